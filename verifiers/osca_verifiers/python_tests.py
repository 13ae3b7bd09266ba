"""Passes a text whose Python passes the problem's tests, run in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.cases import tests_of, text_of
from osca_verifiers.code_tests import run_cases
from osca_verifiers.code_text import complete, defined
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.reference import name
from osca_verifiers.sandbox.box import Gone
from osca_verifiers.sandbox.examination import Examined, Judge
from osca_verifiers.sandbox.inside.calls import Peer
from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.program import Program, started
from osca_verifiers.sandboxed import Sandboxed, TimeLimit, verdict_of

FILE = "program.py"


class PythonTests(Sandboxed):
    """Runs what ``extract`` leaves of a text against the problem's tests.

    The tests, and what they compare with, stay outside of the sandbox that the program runs in.
    """

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        if not isinstance(settings.get("tests"), str):
            raise UsageError("tests: name the field that holds each problem's tests")
        self._settings = settings
        self._steps = compile_steps(settings.get("extract"))
        self._limits = Limits(memory_mb=int(cast("int", settings.get("memory_mb", 512))))
        self._python = cast("str | None", settings.get("python"))
        self._limit = TimeLimit(cast("float | None", settings.get("time_limit_s")))

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - protocol
        """Return the tests, what stands before the answer, and the function under test.

        Raises:
            UsageError: the problem lacks one of them.
        """
        tests = tests_of(problem, self._settings["tests"])
        before = self._settings.get("before")
        code = "" if before is None else text_of(problem, "before", before)
        entry = self._entry(problem)
        reference = problem.reference if isinstance(problem.reference, str) else None
        if entry is None and _needs_entry(tests):
            raise UsageError(
                f"{name(problem)}: its tests call a function that they do not name; name the field that does "
                "with 'entry_point:'"
            )
        known = complete(code)
        exported = defined(code + (reference or "")) - defined(known) | ({entry} if entry else set())
        return {
            "tests": tests,
            "before": code,
            "known": known,
            "entry": entry,
            "exported": sorted(exported),
            "reference": reference,
        }

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Run the program that a text is."""
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)

        def examined(code: str, seconds: float) -> Examined:
            with started({FILE: str(given["before"]) + code}, self._limits, self._python) as program:
                return _examined(program, given, seconds)

        return verdict_of(examined(found, self._limit.seconds(given, examined)), found.strip())

    def _entry(self, problem: Problem) -> str | None:
        field = self._settings.get("entry_point")
        if field is None:
            entry = problem.fields.get("entry_point")
            return entry if isinstance(entry, str) else None
        return text_of(problem, "entry_point", field)


_judge = lru_cache(maxsize=1)(Judge)


def _needs_entry(tests: Mapping[str, Json]) -> bool:
    cases = cast("list[Mapping[str, Json]]", tests.get("cases", []))
    sources = cast("list[str]", tests.get("asserts", []))
    return any("call" in case for case in cases) or any("def check(" in source for source in sources)


def _examined(program: Program, given: Mapping[str, Json], seconds: float) -> Examined:
    tests = cast("dict[str, Any]", given["tests"])
    if "asserts" not in tests:
        return _cases(program, tests["cases"], given["entry"], seconds)
    try:
        program.load(FILE, seconds)
    except Gone as gone:
        return Examined(tests=len(tests["asserts"]), reason=str(gone))
    job = {"tests": tests["asserts"], **{key: given[key] for key in ("known", "entry", "exported")}}
    return _judge().examine(program, job, seconds)


def _cases(program: Program, cases: list[dict[str, Any]], entry: Json, seconds: float) -> Examined:
    if any("call" in case for case in cases):
        return _calls(program, cases, str(entry), seconds)
    found = Examined(tests=len(cases))
    try:
        run_cases(program, found, cases, {"op": "main", "main": FILE}, seconds)
    except Gone as gone:
        found.reason = found.reason or str(gone)
    return found


def _calls(program: Program, cases: list[dict[str, Any]], entry: str, seconds: float) -> Examined:
    found = Examined(tests=len(cases))
    peer = Peer(lambda message: program.ask(message, seconds), _nothing, lambda *_: object())
    try:
        program.load(FILE, seconds)
        for number, case in enumerate(cases, start=1):
            fault = _called(peer, entry, case)
            found.passed += not fault
            found.reason = found.reason or (fault and f"test {number}: {fault}")
    except Gone as gone:
        found.reason = found.reason or str(gone)
    return found


def _called(peer: Peer, entry: str, case: dict[str, Any]) -> str:
    try:
        result = peer.ask("solve", None, (entry, *case["call"]))
    except Gone:
        raise
    except Exception as error:  # noqa: BLE001 - the program's, whatever it is
        return f"{type(error).__name__}: {str(error)[:100]}"
    return "" if _listed(result) == case["output"] else "another result"


def _nothing(peer: Peer, message: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - a peer's
    return {"raised": ["ValueError", "nothing can be called here"]}


def _listed(value: Any) -> Any:
    """Return a value with lists for tuples: JSON, which the expected one is, has no others."""
    if isinstance(value, list | tuple):
        return [_listed(one) for one in value]
    return {key: _listed(one) for key, one in value.items()} if isinstance(value, dict) else value
