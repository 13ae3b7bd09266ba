"""Any program as a backend: one JSON request on its standard input, one JSON answer on its standard output.

So whole agents and workflows become configurations. The protocol, with examples: docs/command.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import anyio
import anyio.to_thread

from osca_backends.answer import sample_of
from osca_backends.program import OUTPUT_LIMIT, Ended, Keeper, Program
from osca_cli.errors import LostAnswerError, UnavailableError
from osca_cli.model import Chat, Json, Request, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osca_cli.protocols import Site

TIMEOUT_S = 600.0
MAX_IN_FLIGHT = 4
PROTOCOL_VERSION = 1
_COMPLAINTS_SHOWN = 2000


class Command:
    """The ``command`` backend.

    Settings: ``command``, a list; ``version``, raised when the program changes; ``env``, the variables that
    it sees besides ``PATH`` and ``HOME``; ``timeout_s``; ``max_in_flight``.
    """

    parameters: ClassVar[frozenset[str]] = frozenset(
        {
            "temperature", "top_p", "top_k", "min_p", "max_tokens", "stop", "reasoning_effort",
            "thinking_tokens",
        }
    )  # fmt: skip
    prompts: ClassVar[frozenset[Literal["chat", "completion"]]] = frozenset({"chat"})
    samples_per_request: ClassVar[int] = 1
    deterministic_at_zero: ClassVar[bool] = False
    reads_problem: ClassVar[bool] = True
    needs_entry: ClassVar[bool] = True

    def __init__(self, settings: Mapping[str, Json], site: Site) -> None:
        values = cast("Mapping[str, Any]", settings)
        self.max_in_flight: int = values.get("max_in_flight", MAX_IN_FLIGHT)
        self.program: tuple[str, ...] = tuple(values.get("command", ()))
        self.variables = ("PATH", "HOME", *values.get("env", ()))
        self._version: str | None = values.get("version")
        self._timeout_s = float(values.get("timeout_s", TIMEOUT_S))
        self._folder = site.folder
        self._keeper: Keeper | None = None
        self._threads: anyio.CapacityLimiter | None = None

    def identify(self, model: str) -> str:
        """Return the model's name with a hash of the command line and the version.

        Raises:
            UnavailableError: the backend has no command.
        """
        self._check()
        identity = json.dumps([list(self.program), self._version])
        return f"{model}@sha256:{hashlib.sha256(identity.encode('utf-8', 'surrogatepass')).hexdigest()}"

    def sent(self, parameters: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the parameters as they are: what they mean, the program knows."""
        return parameters

    def provenance(self) -> Mapping[str, str]:
        """Return the command line and its version."""
        return {"engine": "command", "version": self._version or "", "command": shlex.join(self.program)}

    async def draw(
        self, model: str, request: Request, seeds: Sequence[int], *, indices: Sequence[int] | None = None
    ) -> Sequence[Sample]:
        """Run the program once for each seed.

        Args:
            model: Is told to the program.
            request: The same.
            seeds: One for each sample.
            indices: Which samples of the cell these are.

        Raises:
            LostAnswerError: the program failed, or did not answer as it should.
            UnavailableError: it cannot be started.
        """
        self._check()
        numbered = zip(range(len(seeds)) if indices is None else indices, seeds, strict=True)
        return [await self._run(_request(model, request, seed, index)) for index, seed in numbered]

    async def aclose(self) -> None:
        """End the process that watches over the programs."""
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            await anyio.to_thread.run_sync(keeper.close)

    def _check(self) -> None:
        if not self.program:
            raise UnavailableError(
                "a backend of type command needs a command, as in: command: [python3, agent.py]"
            )

    async def _run(self, request: bytes) -> Sample:
        self._keeper = self._keeper or Keeper()
        # Threads of our own: others must not wait for programs that take half an hour.
        self._threads = self._threads or anyio.CapacityLimiter(self.max_in_flight)
        environment = {name: os.environ[name] for name in self.variables if name in os.environ}
        program = Program(
            self.program, request, folder=self._folder, environment=environment, keeper=self._keeper
        )
        try:
            ended = await anyio.to_thread.run_sync(
                program.run, self._timeout_s, abandon_on_cancel=True, limiter=self._threads
            )
        except (OSError, ValueError) as error:
            raise self._unstartable(error) from None
        except BaseException:
            program.kill()  # its thread sees that it ended, and clears up
            raise
        return self._sample(ended)

    def _sample(self, ended: Ended) -> Sample:
        """Return the sample that a program gave, or tell what it did instead."""
        complaints = _readable(ended.complaints)
        if ended.status is None:
            details = {"stderr": complaints} if complaints else None
            return Sample("", "timeout", seconds=ended.seconds, details=details)
        try:
            if ended.flooded:
                raise LostAnswerError(
                    f"it wrote more than {OUTPUT_LIMIT >> 20} MB to standard output, and was ended"
                )
            if ended.status:
                raise LostAnswerError(f"it ended with {_ending(ended.status)}{_last_line(complaints)}")
            return sample_of(ended.output, ended.seconds, complaints)
        except LostAnswerError as error:
            said = f"\nstandard error:\n{complaints[-_COMPLAINTS_SHOWN:]}" if complaints else ""
            raise LostAnswerError(f"program {shlex.join(self.program)}: {error}{said}") from None

    def _unstartable(self, error: OSError | ValueError) -> UnavailableError:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return UnavailableError(
            f"the program {shlex.join(self.program)} cannot be started in {self._folder}: {why};"
            " correct command:, whose paths are relative to the spec's folder, or set PATH"
        )


def _request(model: str, request: Request, seed: int, index: int) -> bytes:
    """Return what a program is asked, as a line of JSON in ASCII."""
    messages = request.prompt.messages if isinstance(request.prompt, Chat) else ()
    asked = {
        "version": PROTOCOL_VERSION,
        "problem": request.problem or {},
        "model": model,
        "messages": [message._asdict() for message in messages],
        "parameters": request.parameters,
        "vars": request.variables,
        "extra": request.extra,
        "seed": seed,
        "index": index,
    }
    return json.dumps(asked).encode("ascii") + b"\n"


def _readable(complaints: bytes) -> str:
    """Return what a program wrote to standard error, without what steers a terminal."""
    lines = complaints.decode("utf-8", "replace").splitlines()
    return "\n".join(
        "".join(c if c.isprintable() else "\ufffd" for c in line.expandtabs()) for line in lines
    ).strip()


def _last_line(complaints: str) -> str:
    return f": {complaints.splitlines()[-1][:300]}" if complaints else ""


def _ending(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    return f"signal {signal.Signals(-status).name}" if -status in set(signal.Signals) else f"signal {-status}"
