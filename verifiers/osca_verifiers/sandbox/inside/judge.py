"""Runs tests in a sandbox of their own, away from the program that they test.

A process that lives as long as osca's worker; each job has a fork of it. The program's functions are
stand-ins that ask for each call outside. Tests are counted by statement: each statement of the tests, or of
the body of their ``check``, that holds an assert is a test.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from osca_verifiers.sandbox.inside.calls import Peer
from osca_verifiers.sandbox.inside.driver import apply_limits, private_channel
from osca_verifiers.sandbox.inside.frames import Channel

Json = dict[str, Any]
_SHOWN = 160


class ProgramGone(BaseException):
    """The program ended, or was too slow. No test can catch this by ``except Exception``."""


def main(packages: Sequence[str] = ()) -> None:  # noqa: ARG001 - as the driver's
    """Judge one job after another, each in a fork, until nobody asks any more."""
    channel = private_channel()
    while True:
        try:
            message = channel.receive()
        except EOFError:
            os._exit(0)
        if message["op"] == "prepare":
            apply_limits(message["limits"])
            channel.send({"ready": True})
            continue
        child = os.fork()
        if child == 0:
            _judge(channel, message)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        channel.send({"over": status})


def _judge(channel: Channel, job: Json) -> None:
    status = 0
    try:
        Examination(channel, job).run()
    except ProgramGone:
        pass
    except BaseException as error:  # noqa: BLE001 - the tests', whatever it is
        channel.send({"broken": f"{type(error).__name__}: {str(error)[:_SHOWN]}"})
        status = 1
    os._exit(status)


class Remote:
    """Stands for an object of the program that is no plain value.

    It can be called, read, indexed and gone through. It equals nothing but itself and takes part in no
    arithmetic: what a test compares a result with is never sent to the program.
    """

    __slots__ = ("_number", "_peer")

    def __init__(self, peer: Peer, number: int) -> None:
        self._peer = peer
        self._number = number

    def __call__(self, *args: Any, **named: Any) -> Any:  # noqa: D102 - calls the object
        return self._peer.ask("call", self._number, args, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._peer.ask("get", self._number, (name,))

    def __getitem__(self, key: Any) -> Any:
        return self._peer.ask("item", self._number, (key,))

    def __iter__(self) -> Iterator[Any]:
        iterator = self._peer.ask("iter", self._number)
        while True:
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item

    def __next__(self) -> Any:
        return self._peer.ask("next", self._number)

    def __len__(self) -> int:
        return int(self._peer.ask("length", self._number))

    def __bool__(self) -> bool:
        return self._peer.ask("truth", self._number) is True

    def __str__(self) -> str:
        return str(self._peer.ask("text", self._number))


class Names(dict[str, Any]):
    """The names that tests use: their own, Python's, and what the program defines.

    A program cannot take the place of a built-in function or a module: those are the program's only where the
    problem says so.
    """

    def __init__(self, peer: Peer, exported: set[str], entry: str | None) -> None:
        super().__init__(__name__="tests")
        self._entry = entry
        self._peer = peer
        self._exported = exported

    def __missing__(self, name: str) -> Any:
        if name == "candidate" and self._entry is not None:
            self[name] = self._peer.ask("method", None, (self._entry,))
            return self[name]
        if name not in self._exported:
            if hasattr(builtins, name) or name.startswith("__"):
                raise KeyError(name)
            if name in sys.stdlib_module_names:
                return importlib.import_module(name)
        self[name] = self._peer.ask("name", None, (name,))
        return self[name]


class Examination:
    """One program's tests."""

    def __init__(self, channel: Channel, job: Json) -> None:
        self._channel = channel
        self._job = job
        peer = Peer(self._exchange, _perform, Remote)
        self._names = Names(peer, set(job["exported"]), job["entry"])
        self._tests: list[str] = []

    def run(self) -> None:
        """Run every test, and tell of each whether it passed."""
        trees = [self._numbered(source) for source in self._job["tests"]]
        self._channel.send({"tests": len(self._tests)})
        self._names |= {"__begin__": self._begin, "__passed__": self._passed, "__failed__": self._failed}
        self._define()
        for tree in trees:
            exec(compile(tree, "tests", "exec"), self._names)  # noqa: S102 - a sandbox
        self._channel.send({"finished": True})

    def _define(self) -> None:
        """Run what the tests may use; the functions under test are the program's all the same."""
        exec(compile(self._job["known"], "before", "exec"), self._names)  # noqa: S102 - a sandbox
        for name in self._job["exported"]:
            self._names.pop(name, None)

    def _numbered(self, source: str) -> ast.Module:
        """Return tests in which every statement that asserts tells how it went."""
        tree = ast.parse(source)
        check = next(
            (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "check"), None
        )
        if check is not None and not _calls_check(tree):
            tree.body.append(ast.parse("check(candidate)").body[0])
        for body in (tree.body, *([] if check is None else [check.body])):
            body[:] = [self._wrapped(one) if _asserts(one) else one for one in body]
        if not any(
            isinstance(one, ast.Try) and one.finalbody == [] and _is_test(one) for one in ast.walk(tree)
        ):
            tree.body = [self._whole(tree.body)]
        return ast.fix_missing_locations(tree)

    def _wrapped(self, statement: ast.stmt) -> ast.stmt:
        return self._whole([statement])

    def _whole(self, body: list[ast.stmt]) -> ast.stmt:
        number = len(self._tests)
        self._tests.append(ast.unparse(body[-1])[:_SHOWN])
        [test] = ast.parse(
            f"try:\n __begin__({number})\nexcept Exception as error:\n __failed__({number}, error)\n"
            f"else:\n __passed__({number})"
        ).body
        assert isinstance(test, ast.Try)  # noqa: S101 - for the type checker
        test.body += body
        return test

    def _begin(self, number: int) -> None:
        self._channel.send({"begin": number})

    def _passed(self, number: int) -> None:
        self._channel.send({"passed": number})

    def _failed(self, number: int, error: Exception) -> None:
        said = f": {error}" if str(error) else ""
        self._channel.send(
            {
                "failed": number,
                "reason": f"{self._tests[number]} ({type(error).__name__}{said})"[: 2 * _SHOWN],
            }
        )

    def _exchange(self, message: Json) -> Json:
        self._channel.send({"ask": message})
        reply: Json = self._channel.receive()
        if "gone" in reply:
            raise ProgramGone
        return reply


def _perform(peer: Peer, message: Json) -> Json:
    """Call a function that a test has passed to the program: all that a program may ask for."""
    try:
        function = peer.things[message["on"]]
        if message["do"] != "call" or isinstance(function, type):
            raise ValueError("only functions can be called")
        args = [peer.decode(one) for one in message["args"]]
        named = {key: peer.decode(one) for key, one in message["named"].items()}
        return {"value": peer.encode(function(*args, **named))}
    except Exception as error:  # noqa: BLE001 - the program is told of it
        return {"raised": [type(error).__name__, str(error)[:_SHOWN]]}


def _asserts(statement: ast.stmt) -> bool:
    """Tell whether a statement is a test: it asserts, and is no definition of what does."""
    defines = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return not isinstance(statement, defines) and any(
        isinstance(one, ast.Assert) for one in ast.walk(statement)
    )


def _is_test(statement: ast.Try) -> bool:
    first = statement.body[0]
    return isinstance(first, ast.Expr) and ast.unparse(first).startswith("__begin__(")


def _calls_check(tree: ast.Module) -> bool:
    calls = (one.func for one in ast.walk(tree) if isinstance(one, ast.Call))
    return any(isinstance(one, ast.Name) and one.id == "check" for one in calls)
