"""What `code_tests` passes and fails, in the languages whose compilers this machine has."""

import shutil
from typing import Any

import pytest

from osca_cli.errors import UsageError
from osca_cli.model import Problem, Verdict
from osca_verifiers import sandboxed
from osca_verifiers.code_tests import LANGUAGES, CodeTests
from osca_verifiers.sandbox import level
from osca_verifiers.sandbox.processes import SandboxError

SQUARES = [{"input": "3\n", "output": "9\n"}, {"input": "4", "output": "16"}]
RIGHT = {
    "c": '#include <stdio.h>\nint main() { long x; scanf("%ld", &x); printf("%ld\\n", x * x); }',
    "cpp": '#include <cstdio>\nint main() { long x; std::scanf("%ld", &x); std::printf("%ld\\n", x * x); }',
    "javascript": "const x = Number(require('fs').readFileSync(0)); console.log(x * x)",
    "python": "print(int(input()) ** 2)",
}
ATTACKS = r"""
#include <arpa/inet.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>
int reach(int kind) {
    sockaddr_in to{}; to.sin_family = AF_INET; to.sin_port = htons(9);
    inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
    int s = socket(AF_INET, kind, 0);
    return connect(s, (sockaddr *)&to, sizeof to) == 0 && write(s, "x", 1) == 1;
}
int deep(int n) { volatile char room[4096]; room[0] = n; return deep(n + 1) + room[0]; }
int main() {
    int which, through = 0; std::scanf("%d", &which);
    switch (which) {
    case 0: for (;;) fork();
    case 1: for (;;) {
        char *p = (char *)malloc(1 << 24);
        for (int i = 0; p && i < 1 << 24; i += 4096) p[i] = 1;
    }
    case 2: for (;;) std::fputs("xxxxxxxxxxxxxxxx", stdout);
    case 3: through = open("/etc/passwd", O_RDONLY) >= 0; break;
    case 4: through = getenv("HOSTILE_SECRET") != nullptr; break;
    case 5: through = reach(SOCK_DGRAM) || reach(SOCK_STREAM); break;
    case 6: through = kill(1, 0) == 0 && getppid() == 1; break;
    case 7: through = ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0; break;
    case 8: through = open("/etc/osca", O_CREAT | O_WRONLY, 0600) >= 0; break;
    case 9: through = symlink("/etc/passwd", "soft") == 0 && open("soft", O_RDONLY) >= 0; break;
    case 10: deep(0); break;
    case 11: _exit(0);
    case 12: for (int s = 1; s < 65; s++) signal(s, SIG_IGN); for (;;) ;
    }
    if (through) std::printf("through");
}
"""


@pytest.fixture(autouse=True, scope="module")
def _sandbox():
    try:
        level.level()
    except UsageError as error:
        pytest.skip(str(error))


def judge(code: str, tests: Any = SQUARES, *, reference: Any = None, **settings: Any) -> Verdict:
    verifier = CodeTests({"tests": "tests", **settings})
    return verifier.verify(code, verifier.reads(Problem("t", "p", {"tests": tests}, reference=reference), {}))


@pytest.mark.parametrize("language", RIGHT)
def test_a_program_is_run_once_for_each_input(language):
    known = LANGUAGES[language]
    for command in (known.compile, known.run):
        if command and not command[0].startswith("./") and shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
    verdict = judge(RIGHT[language], language=language)
    assert (verdict.passed, verdict.score, verdict.reason) == (True, 1.0, "")
    half = judge(RIGHT[language], [SQUARES[0], {"input": "4", "output": "17"}], language=language)
    assert (half.passed, half.score, half.reason) == (False, 0.5, "1 of 2 tests: test 2: another output")


@pytest.mark.parametrize("kind", list(level.KINDS))
def test_a_hostile_program_in_cpp_gets_nowhere(kind, monkeypatch):
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    if fault := level.fault_of(kind):
        pytest.skip(f"{kind}: {fault}")
    monkeypatch.setattr(level, "strongest", lambda: kind)
    monkeypatch.setenv("HOSTILE_SECRET", "secret")
    for first, last in ((0, 0), (1, 1), (2, 10), (11, 12)):  # two runs that are too slow end the others
        tests = [{"input": str(number), "output": "through"} for number in range(first, last + 1)]
        verdict = judge(ATTACKS, tests, language="cpp", time_limit_s=0.4, memory_mb=256)
        assert (verdict.passed, verdict.score) == (False, 0.0), verdict.reason


def test_what_does_not_compile_fails_and_a_compiler_that_is_not_there_is_an_error():
    if shutil.which("gcc"):
        assert "it does not compile" in judge("int main() {", language="c").reason
    with pytest.raises(SandboxError, match="no-such-compiler is not there"):
        judge("", file="main.x", compile=["no-such-compiler", "main.x"], run=["./main"])


def test_any_language_runs_by_its_commands():
    assert judge("read x; echo $((x * x))", file="main.sh", run=["sh", "main.sh"]).passed is True


def test_outputs_are_compared_by_lines_and_as_numbers():
    tests = [{"input": "", "output": "1.50 a\n2\n"}]
    assert judge("print('1.5 a  '); print(2); print()", tests, language="python").passed is True
    assert judge("print('1.5'); print('a'); print(2)", tests, language="python").passed is False


def test_the_time_limit_follows_the_reference(monkeypatch):
    monkeypatch.setattr(sandboxed, "_SHORTEST_S", 0.1)
    slow = "import time; time.sleep(0.15); print(int(input()) ** 2)"
    assert judge(slow, SQUARES[:1], language="python", reference=slow).passed is True
    (limit,) = [one for one in sandboxed._measured.values() if one != 5.0][-1:]
    assert 1.5 <= limit < 60
    assert judge(slow, SQUARES[:1], language="python", time_limit_s=0.05).passed is False


@pytest.mark.parametrize(
    ("settings", "tests", "message"),
    [
        ({"language": "cobol"}, SQUARES, "the language 'cobol' is not known"),
        ({}, SQUARES, "language: name one of c, cpp"),
        ({"language": "c"}, "assert f(1) == 1", "functions are for python_tests"),
        ({"language": "c"}, [], "holds no tests that are known"),
        ({"language": "{{ tongue }}"}, SQUARES, "'tongue' is undefined"),
    ],
)
def test_what_cannot_be_run_is_told_beforehand(settings, tests, message):
    with pytest.raises(UsageError, match=message):
        judge("", tests, **settings)
