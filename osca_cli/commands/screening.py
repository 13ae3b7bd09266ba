"""The screening of a pilot, as ``osca run`` goes through it and tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osca_cli.backends import open_backends
from osca_cli.commands.common import plural
from osca_cli.console import news
from osca_cli.run.forecast import Line
from osca_cli.run.missing import Ask, Filter, PilotSplit
from osca_cli.run.screening import Screening, at_most, rest, screenings
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.types import Spec
from osca_cli.store.pool import Pool


class Screened:
    """The screening of one run.

    Args:
        spec: The spec.
        pool: Where it is read from.
        chosen: The part of the spec that the run is about.
        split: The problems that it is about.
    """

    def __init__(self, spec: Spec, pool: Pool, chosen: Filter, split: PilotSplit) -> None:
        self._spec = spec
        self._pool = pool
        self._chosen = chosen
        self._split = split
        self._stands: Sequence[Screening] = ()

    def further(self) -> list[Ask]:
        """See which configurations go on, say so, and return what is then asked for."""
        asks = self.look()
        for stand in self._stands:
            news(in_words(stand, self._spec.pilot_samples))
        return asks

    def look(self) -> list[Ask]:
        """See which configurations go on, and return what is then asked for."""
        maker = CellMaker(self._spec, open_backends(self._spec))
        self._stands = screenings(self._spec, self._pool, self._chosen, maker)
        return rest(self._spec, self._chosen, self._stands, self._split)

    def at_most(self) -> Line | None:
        """Return the most that can follow from choices that were still to be made at the last look."""
        return at_most(self._spec, self._pool, self._chosen, self._stands, self._split)

    def facts(self) -> dict[str, Any]:
        """Return what ``--json`` says of it."""
        return {"screening": [stand.to_json() for stand in self._stands]}


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
