"""Passes what the generator of a reasoning_gym problem scores as right."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.reference import name


class ReasoningGym:
    """Asks the problem's own generator for a score between 0 and 1, and passes it from ``at_least`` up.

    Many of its problems have more than one right answer, which a comparison with the reference would fail.
    """

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        _library()
        self._steps = compile_steps(settings.get("extract"))
        self._at_least = float(str(settings.get("at_least", 1.0)))

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return what made the problem: generator, seed, index and options.

        Raises:
            UsageError: the problem does not come from reasoning_gym.
        """
        made_by = problem.fields.get("reasoning_gym")
        if not isinstance(made_by, Mapping):
            raise UsageError(
                f"{name(problem)} was not made by reasoning_gym, whose verifier its task has; write "
                "problems: {source: reasoning_gym, …}, or another verifier"
            )
        return {"made_by": made_by}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Score what ``extract`` leaves of a text."""
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)
        entries, entry = _made(json.dumps(given["made_by"], sort_keys=True))
        answer = found.strip()
        score = float(entries.score_answer(answer, entry))
        return Verdict(score >= self._at_least, answer=answer, score=score, reason=f"scored {score:g}")


@lru_cache(maxsize=256)
def _made(made_by: str) -> tuple[Any, Any]:
    """Return the generator of a problem and the problem again, as it was made."""
    how = json.loads(made_by)
    entries = _library().create_dataset(
        how["dataset"], size=how["index"] + 1, seed=how["seed"], **how["options"]
    )
    return entries, entries[how["index"]]


def _library() -> Any:
    """Import reasoning_gym.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return importlib.import_module("reasoning_gym")
    except ImportError:
        raise UsageError(
            "the verifier 'reasoning_gym' needs an extra: pip install 'osca[reasoning_gym]'"
        ) from None
