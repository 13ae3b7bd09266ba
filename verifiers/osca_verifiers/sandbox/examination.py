"""Tests of Python functions: the judge in one sandbox, the program in another, and we between them.

The verdict comes from the judge's pipe, which the program never sees; what the program is asked are calls.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from osca_verifiers.sandbox.box import Box, Gone, Late
from osca_verifiers.sandbox.inside.frames import TooLongError
from osca_verifiers.sandbox.level import box
from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.processes import SandboxError
from osca_verifiers.sandbox.program import Program

_JUDGE = Limits(memory_mb=1024, processes=16)
_JUDGE_LIMIT_S = 10.0


@dataclass(slots=True)
class Examined:
    """What became of a program's tests.

    Attributes:
        tests: How many there are.
        passed: How many it passed.
        reason: Why it did not pass the first that it did not.
        slowest_s: The longest that it took over one test.
    """

    tests: int = 0
    passed: int = 0
    reason: str = ""
    slowest_s: float = 0.0

    @property
    def all(self) -> bool:
        """Whether every test was passed, of at least one."""
        return 0 < self.tests == self.passed and not self.reason

    @property
    def score(self) -> float:
        """The share of tests that were passed."""
        return self.passed / self.tests if self.tests else 0.0


class Judge:
    """The sandbox in which tests run, one program's after another's."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._box: Box | None = None
        atexit.register(self.close)

    def examine(self, program: Program, job: Mapping[str, Any], seconds: float) -> Examined:
        """Run the tests of a program that is loaded.

        Args:
            program: It.
            job: ``tests``, a list of sources; ``known``, what they may use; ``entry``, the function under
                test; and ``exported``, names that are the program's.
            seconds: What it may take over one test.

        Raises:
            SandboxError: the tests do not run, and not because of the program.
        """
        judge = self._ready()
        work = _Examining(judge, program, seconds)
        try:
            judge.send({"op": "judge", **job}, _JUDGE_LIMIT_S)
            return work.go()
        except SandboxError:
            self.close()
            raise
        except Late:
            self.close()
            if not work.asked:
                raise SandboxError("the tests do not end") from None
            return work.ended("its results keep the tests from ending")
        except Gone as gone:
            self.close()
            raise SandboxError(f"the tests' sandbox broke: {gone}") from None

    def close(self) -> None:
        """End the sandbox; another one is started when it is needed."""
        self._box = None
        self._open.close()

    def _ready(self) -> Box:
        if self._box is None or not self._box.alive:
            self.close()
            self._box = self._open.enter_context(box("judge", _JUDGE, {}))
        return self._box


@dataclass(slots=True)
class _Examining:
    """The tests of one program, under way."""

    judge: Box
    program: Program
    seconds: float
    asked: bool = False
    found: Examined = field(default_factory=Examined)
    _spent: float = 0.0
    _finished: bool = False

    def go(self) -> Examined:
        """Pass on what the judge asks and the program answers, until the tests are through."""
        while True:
            frame = self.judge.receive(self.seconds + _JUDGE_LIMIT_S)
            if "over" in frame:
                break
            self._take(frame)
        if not self._finished and not self.found.reason:
            if not self.asked:
                raise SandboxError("the tests broke")
            self.found.reason = "its results broke the tests"
        return self.found

    def ended(self, reason: str) -> Examined:
        """Return what was found, though the tests did not get to their end."""
        self.found.reason = self.found.reason or reason
        return self.found

    def _take(self, frame: Mapping[str, Any]) -> None:
        ((kind, value), *_) = frame.items()
        if kind == "ask":
            try:
                self.judge.send(self._answer(value), _JUDGE_LIMIT_S)
            except (TooLongError, RecursionError):
                self.ended("its result is too large")
                self.judge.send({"gone": True}, _JUDGE_LIMIT_S)
        elif kind == "tests":
            self.found.tests = value
        elif kind == "begin":
            self._spent = 0.0
        elif kind == "passed":
            self.found.passed += 1
        elif kind == "failed":
            self.ended(frame["reason"])
        elif kind == "finished":
            self._finished = True
        elif not self.asked:
            raise SandboxError(f"the tests do not run: {value}")
        else:
            self.ended(f"the tests stopped: {value}")

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        self.asked = True
        begun = time.monotonic()
        try:
            return self.program.ask(message, max(0.0, self.seconds - self._spent))
        except Gone as gone:
            self.ended(str(gone))
            return {"gone": True}
        finally:
            self._spent += time.monotonic() - begun
            self.found.slowest_s = max(self.found.slowest_s, self._spent)
