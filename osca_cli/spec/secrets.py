"""Finds what looks like a key in a spec: specs are shared and committed, keys must not be."""

from __future__ import annotations

import re

from osca_cli.spec.faults import Faults

_SECRETS = re.compile(
    r"""(?x)
      (?<![A-Za-z0-9]) (?:
        (?:sk|pk|rk)-(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{20,}  # OpenAI, Anthropic and many others
      | gh[pousr]_[A-Za-z0-9]{30,} | github_pat_[A-Za-z0-9_]{30,}
      | glpat-[A-Za-z0-9_-]{20,}
      | hf_[A-Za-z0-9]{30,}
      | (?:gsk|xai|r8)[_-][A-Za-z0-9]{30,}
      | AKIA[0-9A-Z]{16} | AIza[A-Za-z0-9_-]{35}
      | xox[abprs]-[A-Za-z0-9-]{20,}
      )
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----
    """
)


def looks_secret(text: str) -> bool:
    """Tell whether a text holds what looks like an API key or a private key."""
    return _SECRETS.search(text) is not None


def check_secrets(faults: Faults) -> None:
    """Add a fault for every text of the document that looks like a key, without repeating it."""
    # A document without one costs a single search; only then is each line looked at.
    if not looks_secret(faults.document.text):
        return
    for number, line in enumerate(faults.document.text.split("\n"), start=1):
        match = _SECRETS.search(line)
        if match:
            faults.add_line(
                number,
                match.start() + 1,
                "looks like a secret key; take it out, revoke it if this file was ever shared, and keep it "
                "in an environment variable",
            )
