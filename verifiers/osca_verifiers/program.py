"""Verdicts of a user's own program: by its exit status, or by a number that it prints.

The program is the user's, and trusted; the text comes to it on standard input and is hostile. It must not run
the text as code: that is what the sandboxed verifiers are for.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.numerals import last_numeral, quantity
from osca_verifiers.reference import name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

_SHOWN = 400
_KEPT = 1 << 16
"""Bytes at the end of a program's output that are kept."""


class _Program(ABC):
    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._steps = compile_steps(settings.get("extract"))
        command = settings.get("command")
        if not isinstance(command, list | tuple) or not command:
            raise UsageError("command: write the program and its arguments as a list: [./verify.sh, quick]")
        self._arguments = [_template(str(argument)) for argument in command]
        self._names = [str(name) for name in _listed(settings.get("env"))]

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the command line, its templates filled in from the problem and the variables.

        Raises:
            UsageError: a template uses a field that the problem lacks.
        """
        context = {**problem.fields, **variables}
        whole = {**problem.fields, "id": problem.id, "reference": problem.reference}
        try:
            command = [argument.render(**context, problem=whole) for argument in self._arguments]
        except Exception as error:  # noqa: BLE001 - a template may raise whatever its filters raise
            raise UsageError(f"{name(problem)}: command: {error}") from None
        return {"command": command}

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Run the program with what ``extract`` leaves of the text on its standard input."""
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)
        command = [str(argument) for argument in _listed(given["command"])]
        environment = {key: os.environ[key] for key in ("PATH", "HOME", *self._names) if key in os.environ}
        try:
            status, output = _run(command, found, environment)
        except OSError as error:
            return Verdict(passed=None, reason=f"cannot start {command[0]}: {error.strerror}")
        return self._judge(found, status, output)

    @abstractmethod
    def _judge(self, found: str, status: int, output: str) -> Verdict:
        """Return the verdict of how a program ended and what it wrote."""


class Command(_Program):
    """Passes a text for which a program ends with status 0, fails it with 1; any other end is an error.

    The last line that the program prints is the verdict's reason.
    """

    def _judge(self, found: str, status: int, output: str) -> Verdict:
        if status in {0, 1}:
            return Verdict(passed=status == 0, answer=found, reason=_last_line(output))
        return Verdict(passed=None, answer=found, reason=_ending(status, output))


class Score(_Program):
    """Passes a text whose score, the last number that a program prints, is at least ``at_least``.

    The score is kept with the verdict, so another threshold needs no new samples.
    """

    def __init__(self, settings: Mapping[str, Json]) -> None:
        super().__init__(settings)
        bound = settings.get("at_least")
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise UsageError("at_least: write the score from which a text passes, such as 0.5")
        self._at_least = float(bound)

    def _judge(self, found: str, status: int, output: str) -> Verdict:
        numeral = last_numeral(output)
        number = None if numeral is None else quantity(numeral)
        if status != 0 or number is None:
            reason = _ending(status, output) if status else "the program printed no number"
            return Verdict(passed=None, answer=found, reason=reason)
        score = float(number.value)
        return Verdict(score >= self._at_least, answer=found, score=score, reason=f"scored {score:g}")


def _run(command: Sequence[str], text: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a program; return its exit status, negative for a signal, and the end of what it wrote.

    It stays in the process group of the worker process that runs this, which ends both at the time limit.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as written:
        given.write(text.encode(errors="replace"))
        given.seek(0)
        status = subprocess.run(
            command, stdin=given, stdout=written, stderr=subprocess.STDOUT, env=environment, check=False
        ).returncode
        written.seek(max(0, written.seek(0, os.SEEK_END) - _KEPT))
        return status, written.read().decode(errors="replace")


def _template(source: str) -> Template:
    from jinja2 import StrictUndefined, TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    try:
        return SandboxedEnvironment(undefined=StrictUndefined).from_string(source)
    except TemplateSyntaxError as error:
        raise UsageError(f"command: '{source}' is not a Jinja2 template: {error.message}") from None


def _listed(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else []


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip()[:_SHOWN] if lines else ""


def _ending(status: int, output: str) -> str:
    how = f"status {status}" if status > 0 else f"signal {-status}"
    said = _last_line(output)
    return f"the program ended with {how}" + (f": {said}" if said else "")
