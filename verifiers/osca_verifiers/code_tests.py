"""Passes a text whose program, in any language, gives the outputs that are expected, run in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from osca_cli.errors import UsageError
from osca_cli.model import Json, Problem, Verdict
from osca_verifiers.cases import same_output, tests_of
from osca_verifiers.extract import compile_steps, extract
from osca_verifiers.reference import name
from osca_verifiers.sandbox.box import Gone
from osca_verifiers.sandbox.examination import Examined
from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.processes import SandboxError
from osca_verifiers.sandbox.program import Program, Ran, started
from osca_verifiers.sandboxed import Sandboxed, TimeLimit, verdict_of

COMPILE_LIMIT_S = 60.0
_NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Language:
    """How programs in a language are made and run.

    Attributes:
        file: Where the program is written.
        compile: The command that makes it, if one does.
        run: The command that runs it.
    """

    file: str
    compile: tuple[str, ...]
    run: tuple[str, ...]


LANGUAGES: Mapping[str, Language] = {
    "c": Language("main.c", ("gcc", "-O2", "-std=c17", "-o", "main", "main.c", "-lm"), ("./main",)),
    "cpp": Language("main.cpp", ("g++", "-O2", "-std=c++20", "-o", "main", "main.cpp"), ("./main",)),
    "java": Language(
        "Main.java",
        ("javac", "-J-Xmx256m", "-encoding", "UTF-8", "Main.java"),
        ("java", "-Xmx256m", "-Xss64m", "-XX:+UseSerialGC", "Main"),
    ),
    "javascript": Language("main.js", (), ("node", "--stack-size=16000", "main.js")),
    "python": Language("main.py", (), ()),
}
"""Languages that are known by name; ``python`` runs in the sandbox's own interpreter."""


class CodeTests(Sandboxed):
    """Makes and runs what ``extract`` leaves of a text, once for each input.

    The outputs that are expected stay outside of the sandbox.
    """

    version = 1

    def __init__(self, settings: Mapping[str, Json]) -> None:
        if not isinstance(settings.get("tests"), str):
            raise UsageError("tests: name the field that holds each problem's tests")
        if "language" not in settings and not ("run" in settings and "file" in settings):
            known = ", ".join(LANGUAGES)
            raise UsageError(
                f"language: name one of {known}; or write file and run, and compile where needed"
            )
        self._settings = settings
        self._steps = compile_steps(settings.get("extract"))
        self._limits = Limits(memory_mb=int(cast("int", settings.get("memory_mb", 1024))), processes=64)
        self._limit = TimeLimit(cast("float | None", settings.get("time_limit_s")))

    def reads(self, problem: Problem, variables: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the tests, and how the program is made and run.

        Raises:
            UsageError: the problem has no inputs and outputs, or the language is not known.
        """
        tests = tests_of(problem, self._settings["tests"])
        cases = cast("Sequence[Mapping[str, Json]]", tests.get("cases", ()))
        if not cases or any("input" not in case for case in cases):
            raise UsageError(
                f"{name(problem)}: needs a list of {{input, output}} as tests; functions are for python_tests"
            )
        language = self._language(problem, variables)
        return {
            "cases": cases,
            "file": language.file,
            "compile": language.compile,
            "run": language.run,
            "reference": problem.reference if isinstance(problem.reference, str) else None,
        }

    def verify(self, text: str, given: Mapping[str, Json]) -> Verdict:
        """Run the program that a text is.

        Raises:
            SandboxError: a compiler or an interpreter is not there.
        """
        found, reason = extract(text, self._steps)
        if found is None:
            return Verdict(passed=False, reason=reason)

        def examined(code: str, seconds: float) -> Examined:
            with started({str(given["file"]): code}, self._limits) as program:
                return _made_and_run(program, given, seconds)

        return verdict_of(examined(found, self._limit.seconds(given, examined)), found.strip())

    def _language(self, problem: Problem, variables: Mapping[str, Json]) -> Language:
        written = self._settings.get("language")
        known = None
        if written is not None:
            named = _rendered(str(written), problem, variables).strip().lower()
            known = LANGUAGES.get(_ALIASES.get(named, named))
            if known is None and "run" not in self._settings:
                raise UsageError(
                    f"{name(problem)}: the language '{named}' is not known (known: "
                    f"{', '.join(LANGUAGES)}); write file and run, and compile where needed"
                )
        return Language(
            file=str(self._settings.get("file", known and known.file)),
            compile=_words(self._settings.get("compile"), known.compile if known else ()),
            run=_words(self._settings.get("run"), known.run if known else ()),
        )


_ALIASES = {"c++": "cpp", "js": "javascript", "node": "javascript", "py": "python", "python3": "python"}


def _words(value: Json, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else default


def _rendered(source: str, problem: Problem, variables: Mapping[str, Json]) -> str:
    if "{" not in source:
        return source
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    try:
        template = SandboxedEnvironment(undefined=StrictUndefined).from_string(source)
        return template.render({**problem.fields, **variables})
    except Exception as error:  # noqa: BLE001 - a template may raise whatever its filters raise
        raise UsageError(f"{name(problem)}: language: {error}") from None


def _made_and_run(program: Program, given: Mapping[str, Json], seconds: float) -> Examined:
    cases = cast("Sequence[dict[str, Any]]", given["cases"])
    found = Examined(tests=len(cases))
    compiler = list(cast("Sequence[str]", given["compile"]))
    runner = list(cast("Sequence[str]", given["run"]))
    try:
        if compiler:
            made = program.run({"op": "run", "argv": compiler}, COMPILE_LIMIT_S)
            _refuse_missing(made, compiler)
            if made.fault:
                found.reason = f"it does not compile: {made.fault}"
                return found
        message = {"op": "run", "argv": runner} if runner else {"op": "main", "main": str(given["file"])}
        run_cases(program, found, cases, message, seconds)
    except Gone as gone:
        found.reason = found.reason or str(gone)
    return found


def _refuse_missing(ran: Ran, argv: Sequence[str]) -> None:
    if ran.status == _NOT_FOUND and "cannot start" in ran.err:
        raise SandboxError(
            f"{argv[0]} is not there to be run in the sandbox; install it where everybody can run it"
        )


def run_cases(
    program: Program,
    found: Examined,
    cases: Sequence[dict[str, Any]],
    message: dict[str, Any],
    seconds: float,
) -> None:
    """Run a program once for each input, and note which outputs are those expected.

    After the second run that was too slow the others count as not passed.

    Raises:
        Gone: its sandbox is no more.
    """
    late = 0
    for number, case in enumerate(cases, start=1):
        ran = program.run({**message, "stdin": case["input"]}, seconds)
        if "argv" in message:
            _refuse_missing(ran, message["argv"])
        found.slowest_s = max(found.slowest_s, ran.seconds)
        fault = ran.fault or ("" if same_output(ran.out, case["output"]) else "another output")
        found.passed += not fault
        found.reason = found.reason or (fault and f"test {number}: {fault}")
        late += ran.status is None
        if late == 2:
            return
