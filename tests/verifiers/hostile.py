"""Hostile programs, and what becomes of each: run as a process of its own, as whatever user it is started.

``python hostile.py LEVEL`` runs every program at a level of isolation and prints what happened, in JSON. It
needs nothing but the standard library and osca itself, so that an ordinary user can run a copy of it.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SQUARES = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 9\n"
ECHO = [{"input": "2\n", "output": "4\n"}, {"input": "3\n", "output": "9\n"}]


@dataclass(frozen=True)
class Hostile:
    """A program, its tests, and what must be its verdict."""

    code: str
    passed: bool | None = False
    reason: str = ""
    tests: Any = SQUARES
    seconds: float = 10.0  # on a busy machine; what never ends has less


def deed(line: str, **more: Any) -> Hostile:
    """A function that is right only if a deed succeeds."""
    return Hostile(f"import os, socket, sys, ctypes\ndef f(x):\n    {line}\n    return x * x\n", **more)


LIMIT = "it reached the time limit"
FILE = "TARGET/secret"
PROGRAMS = {
    # What takes more than its share.
    "an endless loop": Hostile("def f(x):\n    while True: pass", reason=LIMIT, seconds=0.5),
    "an endless loop at the start": Hostile("while True: pass", reason=LIMIT, seconds=0.5),
    "sleep": Hostile("import time\ndef f(x): time.sleep(100)", reason=LIMIT, seconds=0.5),
    "a fork bomb": Hostile(
        "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", reason=LIMIT, seconds=0.5
    ),
    "a memory bomb": Hostile("def f(x): return len(bytearray(10 ** 10))"),
    "a memory bomb of many processes": Hostile(
        "import os, time\n"
        "for _ in range(20):\n"
        "  if os.fork() == 0:\n"
        "    keep = bytearray(b'x') * (60 << 20); time.sleep(9)\n"
        "time.sleep(9)\ndef f(x): return x * x",
        reason="memory|signal 9|time limit",
        seconds=2,
    ),
    "a bomb of shared memory": Hostile(
        "import mmap, time\nm = mmap.mmap(-1, 1 << 30)\nfor i in range(0, 1 << 30, 4096): m[i] = 1\n"
        "time.sleep(9)\ndef f(x): return x * x",
        reason="memory|signal 9",
        seconds=8,
    ),
    "10 GB of output": Hostile("while True: print('x' * 10 ** 6)", tests=ECHO[:1]),
    "10 GB of output, quietly": Hostile(
        "import os\nfor _ in range(10 ** 4):\n  try: os.write(1, b'x' * 10 ** 6)\n  except OSError: pass\n",
        tests=ECHO[:1],
        reason="too much",
    ),
    "10 GB of complaints": Hostile("import sys\nwhile True: sys.stderr.write('x' * 10 ** 6)"),
    "a file of 10 GB": deed("[open('big', 'ab').write(b'x' * 10 ** 7) for _ in range(1000)]"),
    "a million small files": deed(
        "[open(f'f{i}', 'w').close() for i in range(10 ** 6)]", reason="files|time limit", seconds=3
    ),
    "deep recursion": Hostile("def f(x): return f(x)", reason="RecursionError"),
    "deeper recursion": Hostile(
        "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(x): return f(x)", seconds=1
    ),
    "ignoring signals": Hostile(
        "import signal\nfor s in range(1, 65):\n  try: signal.signal(s, signal.SIG_IGN)\n  except (OSError, ValueError): pass\n"
        "while True: pass",
        tests=ECHO[:1],
        reason=LIMIT,
        seconds=0.5,
    ),
    "stopping osca's driver": Hostile(
        "import os, signal, time\nos.kill(os.getppid(), signal.SIGSTOP)\ntime.sleep(99)",
        tests=ECHO[:1],
        seconds=0.3,
    ),
    # What reaches for what is not its own.
    "reading /etc/passwd": deed("assert 'root' in open('/etc/passwd').read()"),
    "reading the home folder": deed("open('TARGET/home/notes').read()"),
    "reading the environment": deed("os.environ['HOSTILE_SECRET']"),
    "reading osca's environment": deed("assert b'HOSTILE_SECRET' in open('/proc/PID/environ', 'rb').read()"),
    "reading the pool": deed("open('TARGET/osca.db', 'rb').read()"),
    "reading the problems": deed("open('TARGET/problems.jsonl').read()"),
    "loopback": deed("socket.create_connection(('127.0.0.1', PORT), timeout=1)"),
    "a datagram to loopback": deed(
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', PORT)); x = 0"
    ),
    "the network": deed(
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9)); s.send(b'x')"
    ),
    "an abstract socket": deed("socket.socket(socket.AF_UNIX).connect('\\0ABSTRACT')"),
    "a socket in a folder": deed("socket.socket(socket.AF_UNIX).connect('TARGET/socket')"),
    "killing osca": deed(
        "os.kill(PID, 9) if b'hostile' in open('/proc/PID/cmdline', 'rb').read() else 1 / 0"
    ),
    "signalling osca unseen": deed("os.kill(PID, 9)"),
    "killing everybody": Hostile("import os\ndef f(x):\n    os.kill(-1, 9)\n    return 0"),
    "tracing osca": deed("assert ctypes.CDLL(None).ptrace(16, PID, 0, 0) == 0"),
    "writing outside": deed("open('TARGET/new', 'w').write('x')"),
    "writing outside by a symbolic link": deed(
        "os.symlink('TARGET', 'out'); open('out/new', 'w').write('x')"
    ),
    "writing outside by a hard link": deed("os.link('TARGET/secret', 'here'); open('here', 'w').write('x')"),
    "removing what is outside": deed("os.remove('TARGET/secret')"),
    "a daemon": Hostile(
        "import os, time\n"
        "if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    while True: time.sleep(0.1)\n  os._exit(0)\n"
        "def f(x): return x * x",
        passed=True,
    ),
    "threads left behind": Hostile(
        "import threading, time\n"
        "def work():\n  while True: time.sleep(0.01)\n"
        "threading.Thread(target=work).start()\ndef f(x): return x * x",
        passed=True,
    ),
    "threads that never end": Hostile(
        "import threading, time\nprint(int(input()) ** 2)\nthreading.Thread(target=time.sleep, args=(99,)).start()",
        tests=ECHO,
        reason=LIMIT,
        seconds=0.4,
    ),
    # What wants a pass that it did not earn.
    "os._exit(0)": Hostile("import os\nos._exit(0)"),
    "os._exit(0) when called": Hostile("import os\ndef f(x): os._exit(0)"),
    "sys.exit(0)": Hostile("import sys\nsys.exit(0)"),
    "sys.exit(0) when called": Hostile("import sys\ndef f(x): sys.exit(0)"),
    "sys.exit(0) before the output": Hostile("import sys\nsys.exit(0)", tests=ECHO),
    "patched assert": Hostile(
        "import builtins\nclass Fine(Exception): pass\nbuiltins.AssertionError = Fine\ndef f(x): return 0"
    ),
    "patched builtins": Hostile(
        "import builtins\nbuiltins.all = builtins.isinstance = lambda *a: True\nbuiltins.abs = lambda x: 0\ndef f(x): return 0",
        tests=["assert all([f(2) == 4])", "assert abs(f(2) - 4) < 1"],
        seconds=1,
    ),
    "names of its own in place of Python's": Hostile(
        "def all(x): return True\ndef abs(x): return 0\nclass math: isclose = staticmethod(lambda *a: True)\ndef f(x): return 0",
        tests=["assert all([f(2) == 4])", "assert abs(f(2) - 4) < 1", "assert math.isclose(f(2), 4)"],
    ),
    "patched unittest": Hostile(
        "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\ndef f(x): return 0",
        tests="import unittest\nunittest.TestCase().assertEqual(f(2), 4)",
    ),
    "an __eq__ that always agrees": Hostile(
        "class A:\n  def __eq__(s, o): return True\ndef f(x): return A()"
    ),
    "a number that agrees": Hostile(
        "class A(float):\n  def __eq__(s, o): return True\n  def __sub__(s, o): return 0.0\n  __hash__ = None\n"
        "def f(x): return A(1)",
        tests=["assert f(2) == 4", "assert abs(f(2) - 4) < 1e-6"],
    ),
    "printing that all is well": Hostile(
        "print('2 passed', 'OK', '4', '9', flush=True)\ndef f(x): print(x * x)"
    ),
    "writing to every pipe": Hostile(
        "import os, json\n"
        "for m in ({'tests': 1}, {'passed': 0}, {'passed': 1}, {'finished': True}, {'over': 0}):\n"
        "  b = json.dumps(m).encode()\n"
        "  for fd in range(3, 64):\n"
        "    try: os.write(fd, len(b).to_bytes(4, 'big') + b)\n"
        "    except OSError: pass\n"
        "def f(x): return 0"
    ),
    "writing nonsense to every pipe": Hostile(
        "import os\nfor fd in range(3, 64):\n  try: os.write(fd, b'\\xff' * 99)\n  except OSError: pass\ndef f(x): return x * x"
    ),
    "answering from stack frames": Hostile(
        "import sys, gc\n"
        "def f(x):\n"
        "  frame = sys._getframe()\n"
        "  while frame:\n"
        "    for value in list(frame.f_locals.values()) + gc.get_objects():\n"
        "      if isinstance(value, str) and 'candidate(' in value and 'value, str' not in value: return x * x\n"
        "    frame = frame.f_back\n"
        "  raise LookupError",
        reason="LookupError",
    ),
    "answering from the tests' file": Hostile(
        "import os\n"
        "def f(x):\n"
        "  for root in ('.', '/tmp', '/osca', '/dev/shm', 'TARGET'):\n"
        "    for folder, _, names in os.walk(root):\n"
        "      for name in names:\n"
        "        text = open(os.path.join(folder, name), errors='replace').read()\n"
        "        if 'candidate(2) ==' in text and 'errors=' not in text: return x * x\n"
        "  raise LookupError",
        reason="LookupError|PermissionError",
    ),
    "a StopIteration that ends the test": Hostile(
        "def f(x): raise StopIteration", tests=["assert all(map(f, [1, 2]))"], reason="StopIteration"
    ),
    "emptying what it is compared with": Hostile(
        "def f(xs):\n  xs.clear()\n  return []", tests=["xs = [3, 1]; assert f(xs) == sorted(xs)"]
    ),
    "a result that is too large": Hostile("def f(x): return 'x' * 50_000_000"),
    "a result that is too deep": Hostile("def f(x):\n  for _ in range(10 ** 5): x = [x]\n  return x"),
    "a result that never ends": Hostile(
        "import itertools\ndef f(x): return itertools.count()", tests=["assert sum(f(2)) == 4"], seconds=0.5
    ),
    "calling back what it was not given": Hostile(
        "def f(g):\n  for name in ('get', 'name', 'text'):\n    pass\n  return g.__globals__",
        tests=["assert f(lambda: 3) is None"],
    ),
}
HONEST = Hostile("def f(x): return x * x", passed=True)


def main() -> None:
    """Run every program, an honest one after each, and print what happened."""
    from osca_verifiers.sandbox import level

    level.strongest = lambda: sys.argv[1]  # type: ignore[assignment]
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # whoever is left behind becomes a child of ours, and is seen
    chosen = sys.argv[2:] or list(PROGRAMS)
    results = {}
    with targets() as words:
        for name in chosen:
            results[name] = outcome(PROGRAMS[name], words)
        results["an honest program"] = outcome(HONEST, words)
    print(json.dumps(results))


def outcome(program: Hostile, words: dict[str, str]) -> dict[str, Any]:
    """Return a program's verdict, and what it did to the host."""
    from osca_cli.model import Problem
    from osca_verifiers.python_tests import PythonTests

    code = program.code
    for word, meaning in words.items():
        code = code.replace(word, meaning)
    verifier = PythonTests({"tests": "tests", "time_limit_s": program.seconds, "memory_mb": 256})
    problem = Problem("t", "p", {"tests": program.tests, "entry_point": "f"})
    begun = time.monotonic()
    try:
        verdict = verifier.verify(code, verifier.reads(problem, {}))
        said: dict[str, Any] = {"passed": verdict.passed, "reason": verdict.reason}
    except Exception as error:  # noqa: BLE001 - told to the test
        said = {"passed": None, "reason": f"{type(error).__name__}: {error}"}
    return {**said, "seconds": time.monotonic() - begun, "harm": harm(words)}


@contextmanager
def targets() -> Iterator[dict[str, str]]:
    """Put out what programs reach for."""
    with (
        tempfile.TemporaryDirectory(prefix="hostile-") as folder,
        socket.socket() as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as path,
    ):
        root = Path(folder)
        root.chmod(0o777)
        (root / "home").mkdir()
        for name in ("secret", "home/notes", "osca.db", "problems.jsonl"):
            (root / name).write_text("assert candidate(2) == 4")
            (root / name).chmod(0o666)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        datagrams.bind(listener.getsockname())
        abstract.bind(f"\0hostile-{os.getpid()}")
        abstract.listen()
        path.bind(f"{folder}/socket")
        path.listen()
        for one in (listener, datagrams, abstract, path):
            one.setblocking(False)
        os.environ["HOSTILE_SECRET"] = "secret"
        HEARD.update(streams=(listener, abstract, path), datagrams=datagrams)
        port = str(listener.getsockname()[1])
        yield {"TARGET": folder, "PORT": port, "PID": str(os.getpid()), "ABSTRACT": f"hostile-{os.getpid()}"}


HEARD: dict[str, Any] = {}


def harm(words: dict[str, str]) -> list[str]:
    """Return what a program did to the host: files, connections, processes."""
    found = []
    root = Path(words["TARGET"])
    there = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    if there != ["home", "home/notes", "osca.db", "problems.jsonl", "secret", "socket"]:
        found.append(f"files: {there}")
    if any(path.read_text() != "assert candidate(2) == 4" for path in root.rglob("*") if path.is_file()):
        found.append("a file was changed")
    for number, stream in enumerate(HEARD["streams"]):
        with suppress(BlockingIOError):
            stream.accept()
            found.append(f"a connection to socket {number}")
    with suppress(BlockingIOError):
        found.append(f"a datagram {HEARD['datagrams'].recv(9)!r}")
    return found + left_behind()


def left_behind() -> list[str]:
    """Return processes that are still there, the judge's own apart; what has ended is fetched first."""
    from osca_verifiers.sandbox.processes import children, descendants

    ours = [child for child in children(os.getpid()) if b"inside.judge" in _line(child)]
    judges = {one for judge in ours for one in (judge, *descendants(judge))}
    rest = [pid for pid in descendants(os.getpid()) if pid not in judges and _line(pid)]
    return [f"process {pid}: {_line(pid)[:80]!r}" for pid in rest]


def _line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    main()
