"""The screening of a pilot, as ``osca run`` tells of it."""

from __future__ import annotations

from osca_cli.commands.common import plural
from osca_cli.run.screening import Screening


def in_words(stand: Screening, samples: int) -> str:
    """Say which configurations go on to so many samples, or what the choice waits for."""
    if stand.chosen is None:
        return (
            f"{stand.task}: {stand.going_on} of {plural(stand.configurations, 'configuration')} go on to"
            f" {samples} samples once all are screened on every training problem;"
            f" {plural(stand.missing, 'verdict')} of the screening {'is' if stand.missing == 1 else 'are'}"
            f" missing (--samples {samples} draws without screening)"
        )
    return (
        f"{stand.task}: screened {plural(stand.configurations, 'configuration')} on"
        f" {plural(stand.samples, 'sample')} each; {len(stand.chosen)} go on: {', '.join(stand.chosen)}"
    )
