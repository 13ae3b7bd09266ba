"""A rate of false accepts: as it is written, or as judged texts tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from osca_cli.console import news, percent
from osca_cli.errors import UsageError
from osca_cli.run.missing import Filter
from osca_cli.spec.types import Spec


class ShareOrLabels(click.ParamType):  # type: ignore[type-arg] # generic in later versions of click
    """A share below 1, or a file of judged texts."""

    name = "share or labels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | Path:
        """Return the share, or the path of a file that is there."""
        if isinstance(value, float | Path):
            return value
        if Path(value).is_file():
            return Path(value)
        try:
            share = float(value)
        except ValueError:
            self.fail(f"'{value}' is neither a share, such as 0.02, nor a file of judged texts", param, ctx)
        if not 0 <= share < 1:
            self.fail(f"{value} is no share: write one from 0 up to 1, 1 left out", param, ctx)
        return share


def audited_rate(spec: Spec, task: str | None, labels: float | Path) -> float:
    """Return a rate, or the upper limit that judged texts allow; see ``osca check-verifier --labels``.

    Raises:
        UsageError: several tasks are planned, or none of the texts is wrong and was judged.
    """
    if isinstance(labels, float):
        return labels
    from osca_cli.run.audit import audit, false_accepts, labelled  # a plan without labels needs no worker

    tasks = Filter(task).tasks(spec)
    if len(tasks) > 1:
        raise UsageError(
            f"--false-accept-rate {labels}: each verifier has a rate of its own; name one task with --task"
        )
    one = tasks[0]
    audited = audit(spec, one, list(labelled(one, [*one.train, *one.held_out], labels)))
    accepted, texts, most = false_accepts(audited)
    if not 0 < most < 1:
        raise UsageError(
            f"--false-accept-rate {labels}: {accepted} of {texts} wrong texts were accepted, which limits"
            f" nothing; judge more texts that are wrong (osca check-verifier --labels {labels} shows them)"
        )
    news(f"{one.name}: {accepted} of {texts} wrong texts were accepted: at most {percent(most)} are")
    return most
