"""What a backend and a verifier are. Plug-ins implement these and register an entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

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


class Verifier(Protocol):
    """Decides whether a text answers a problem. Runs in a worker process; must not keep state.

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
