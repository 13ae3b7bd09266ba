"""What a backend and a verifier are. Plug-ins implement these and register an entry point."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from osca_cli.errors import BackendError
from osca_cli.model import Json, Problem, Request, Sample, Verdict


@dataclass(frozen=True, slots=True)
class Site:
    """Where a backend works.

    Attributes:
        folder: The spec's folder; paths in settings are relative to it.
        cache: The user's cache folder, for models that osca fetched.
        notify: Tells the user one line of news.
    """

    folder: Path
    cache: Path
    notify: Callable[[str], None]


class Backend(Protocol):
    """A place that samples come from: an engine in this process, a server, a program.

    One that has ``reads_problem = True`` is given the problem itself and the configuration's variables, in
    the request and in its identity. Its configurations need no prompt; its :meth:`draw` takes ``indices``.

    Attributes:
        parameters: Names of the sampling parameters that it honours. A configuration with another one is
            an error of the spec, never dropped.
        prompts: The kinds of prompt that it takes.
        max_in_flight: How many calls of :meth:`draw` may be under way together.
        deterministic_at_zero: Whether temperature 0 always gives the same text.
    """

    parameters: ClassVar[frozenset[str]]
    prompts: ClassVar[frozenset[Literal["chat", "completion"]]]
    deterministic_at_zero: ClassVar[bool]
    max_in_flight: int

    @property
    def samples_per_request(self) -> int:
        """How many samples one call of :meth:`draw` may ask for."""

    def __init__(self, settings: Mapping[str, Json], site: Site) -> None:
        """Take the settings of the spec's ``backends:`` entry, already valid. Must not load anything."""

    def identify(self, model: str) -> str:
        """Return what identity hashes for this model: a file's hash, or the name itself.

        Raises:
            UnavailableError: the model cannot be had here.
        """

    def sent(self, parameters: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return every parameter that a request will carry, this backend's defaults made explicit."""

    def provenance(self) -> Mapping[str, str]:
        """Return the engine's name and version, and what else a reader of the samples should know."""

    async def draw(self, model: str, request: Request, seeds: Sequence[int]) -> Sequence[Sample]:
        """Draw one sample for each seed, in order; at most ``samples_per_request`` are asked for.

        Fewer may be returned, and the others are asked for again. Where one answer holds several samples, its
        tokens are shared out over them, each says how many they are (``choices``), and the first seed is
        that of them all.

        Raises:
            RetryableError: the same request may succeed later.
            RejectedError: it never will.
            UnavailableError: the model or engine cannot be had here.
        """

    async def aclose(self) -> None:
        """Free the engine's memory and connections."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a vendor is with a batch.

    Attributes:
        ended: Whether no further result will come.
        done: Rows that are through, as the vendor counts them; some tell only at the end.
        total: Rows in all.
        failure: Why the vendor worked on none of them; then nothing is charged.
    """

    ended: bool
    done: int
    total: int
    failure: BackendError | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What looking for a batch gave.

    Attributes:
        id: The vendor's name for it; ``None`` where it was not found.
        certain: Whether it is not there; a batch that cannot be told from it may still be under way.
    """

    id: str | None
    certain: bool = True


class Batches(Protocol):
    """The batch API of a vendor: the attribute ``batches`` of a backend that takes ``batch: true``.

    Attributes:
        most_rows: How many requests one batch takes.
        most_bytes: How long its rows may be together.
        create_s: How long, in seconds, the vendor may take to create one.
    """

    most_rows: ClassVar[int]
    most_bytes: ClassVar[int]
    create_s: float

    def row(self, name: str, model: str, request: Request, seed: int) -> bytes:
        """Return the request for one sample as a row of a batch.

        Args:
            name: The row's name: at most 64 letters, digits, hyphens and underscores.
            model: The model.
            request: What is asked.
            seed: The seed.

        Raises:
            RefusedError: no request like this one can be made.
        """

    async def upload(self, rows: Sequence[bytes]) -> str:
        """Bring rows to the vendor, where that comes first; return what :meth:`create` is given."""

    async def create(self, token: str, uploaded: str, rows: Sequence[bytes]) -> str:
        """Create a batch and return the vendor's name for it. From here on it costs money.

        Args:
            token: What :meth:`find` finds it by; the names of its rows begin with it.
            uploaded: What :meth:`upload` returned.
            rows: The rows.

        Raises:
            BusyError: not now; none was created.
            RetryableError: one may have been created.
            BackendError: it never will be.
        """

    async def find(self, token: str, rows: int, since: datetime) -> Found:
        """Look for a batch of so many rows that may have been created since then."""

    async def state(self, batch: str) -> BatchState:
        """Ask how far a batch is."""

    def results(self, batch: str) -> AsyncIterator[tuple[str, Sample | BackendError]]:
        """Yield the name and the result of each row of a batch that has ended, in any order.

        A sample's ``seconds`` are unknown. A :class:`RetryableError` may succeed in another batch, a
        :class:`LostAnswerError` was charged, a plain :class:`BackendError` is not to be asked again now.
        """


class Verifier(Protocol):
    """Decides whether a text answers a problem. Runs in a worker process; must not keep state.

    One that has ``ready`` is asked by it, before a run draws anything, whether it can work on this machine:
    it raises a :class:`UsageError`, or returns what the user should be warned of. What ``facts``, a class
    method, returns is shown by ``osca doctor``; a fact that ends with ``works`` is good news.

    One that has a ``time_limit_s`` may take so many seconds over a verdict, unless the spec says otherwise.

    Attributes:
        version: Raised when the same input may get another verdict: the pool is then verified again.
    """

    version: ClassVar[int]

    def __init__(self, settings: Mapping[str, Json]) -> None:
        """Take the settings of the spec's verifier, already valid."""

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return what a verdict depends on besides the text: the reference, some fields or variables.

        It is hashed into the verdict's identity, and it is all that :meth:`verify` is given.

        Raises:
            UsageError: the problem lacks what this verifier needs; the message says what.
        """

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Judge a text, given what :meth:`reads` returned for its problem."""
