"""The screening of a pilot, as one run goes through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from osca_cli.backends import open_backends
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
        tell: Is told how each task stands before the run goes on.
    """

    def __init__(
        self,
        spec: Spec,
        pool: Pool,
        chosen: Filter,
        split: PilotSplit,
        tell: Callable[[Screening], None] = lambda _: None,
    ) -> None:
        self._spec = spec
        self._pool = pool
        self._chosen = chosen
        self._split = split
        self._tell = tell
        self._stands: Sequence[Screening] = ()

    def further(self) -> list[Ask]:
        """See which configurations go on, say so, and return what is then asked for."""
        asks = self.look()
        for stand in self._stands:
            self._tell(stand)
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
