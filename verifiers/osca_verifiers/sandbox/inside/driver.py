"""Works inside the sandbox of one sample: writes its files, runs commands and programs, answers calls.

It shares the sandbox with the program, which may do to it what it likes: it knows nothing but the inputs, and
all that it says is taken for what the program says.
"""

from __future__ import annotations

import os
import resource
import sys
import time

from osca_verifiers.sandbox.inside.calls import Peer
from osca_verifiers.sandbox.inside.frames import Channel, TooLongError

TYPE_CHECKING = False
if TYPE_CHECKING:  # every import costs each sandbox its time
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any, NoReturn

    Json = dict[str, Any]
_ERRORS_KEPT = 4000
_SIGKILL = 9


def main(packages: Sequence[str] = ()) -> None:
    """Do what each message asks, until nobody asks any more; programs find packages in these folders."""
    sys.path += packages
    channel = private_channel()
    limits: Json = {}
    while True:
        try:
            message = channel.receive()
        except EOFError:
            os._exit(0)
        if message["op"] == "prepare":
            limits = message["limits"]
            apply_limits(limits)
            for name, text in message["files"].items():
                with open(name, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:  # noqa: PTH123
                    file.write(text)
            channel.send({"ready": True})
        elif message["op"] == "serve":
            _serve(channel, message)
        else:
            channel.send(_ran(message, limits))


def private_channel() -> Channel:
    """Keep standard input and output to ourselves: everybody else gets the null device."""
    channel = Channel(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    return channel


def apply_limits(limits: Json) -> None:
    """Limit this process and all that it starts; the limits can only be lowered from then on."""
    for name, most in limits["each"].items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (lowest, lowest))


def _ran(message: Json, limits: Json) -> Json:
    """Run a command, or a Python program as it is run by hand, and tell how it ended and what it wrote."""
    given, out, err = _scratch(message.get("stdin", "")), _scratch(), _scratch()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _become_child(given, out, err, message["seconds"])
        if message["op"] == "run":
            _execute(message["argv"])
        _run_as_main(message["main"])
    status = _wait(child, message["seconds"])
    reply = {
        "status": status,
        "out": _content(out, limits["output"]),
        "long": os.fstat(out).st_size > limits["output"],
        "err": _content(err, _ERRORS_KEPT),
        "seconds": time.monotonic() - begun,
    }
    for file in (given, out, err):
        os.close(file)
    return reply


def _scratch(text: str = "") -> int:
    """Return a file without a name that holds a text."""
    file = os.open(".", os.O_RDWR | os.O_TMPFILE, 0o600)
    with os.fdopen(os.dup(file), "w", encoding="utf-8", errors="surrogatepass", newline="") as writer:
        writer.write(text)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _content(file: int, most: int) -> str:
    return os.pread(file, most, 0).decode("utf-8", "replace")


def _become_child(given: int, out: int, err: int, seconds: float) -> None:
    os.setsid()
    for stream, file in enumerate((given, out, err)):
        os.dup2(file, stream)
    os.closerange(3, 256)
    most = int(seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def _execute(argv: list[str]) -> NoReturn:
    try:
        os.execvpe(argv[0], argv, os.environ)  # noqa: S606 - a sandbox
    except OSError as error:
        os.write(2, f"cannot start {argv[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _wait(child: int, seconds: float) -> int | None:
    """Return how a child ended, ``None`` where it had to be killed; its session ends with it."""
    import select

    watched = os.pidfd_open(child)
    ready, _, _ = select.select([watched], [], [], seconds)
    os.close(watched)
    try:  # noqa: SIM105 - contextlib would have to be imported
        os.killpg(child, _SIGKILL)
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if ready else None


def _run_as_main(name: str) -> NoReturn:
    """Run a program as ``python program.py`` does, in this process, which has the interpreter warm."""
    _fresh_streams()
    program = type(sys)("__main__")
    status = 0
    try:
        _load(program, name)
    except SystemExit as leaving:
        status = _status_of(leaving)
    except BaseException:  # noqa: BLE001 - the program's, whatever it is
        sys.excepthook(*sys.exc_info())
        status = 1
    _leave(status)


def _fresh_streams() -> None:
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, f"__{name}__", getattr(sys, name))


def _load(program: ModuleType, name: str) -> None:
    import builtins

    for word in ("exit", "quit"):  # which `site` defines, where it is used
        if not hasattr(builtins, word):
            setattr(builtins, word, sys.exit)
    sys.modules[program.__name__] = program
    sys.argv = [name]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    program.__file__ = name
    with open(name, encoding="utf-8", errors="surrogatepass", newline="") as file:  # noqa: PTH123
        source = file.read()
    exec(compile(source, name, "exec"), program.__dict__)  # noqa: S102 - this is what a sandbox is for


def _status_of(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return (leaving.code or 0) & 0xFF
    print(leaving.code, file=sys.stderr)
    return 1


def _leave(status: int) -> NoReturn:
    """End as Python does: wait for threads, run what was registered for the end, write what is buffered."""
    import atexit

    try:
        if threading := sys.modules.get("threading"):
            threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - the program's, whatever it is
        status = status or 1
    os._exit(status)


def _serve(channel: Channel, message: Json) -> None:
    """Load a program in a child, which answers calls; tell how it ended once it does."""
    err = _scratch()
    child = os.fork()
    if child == 0:
        _answer_calls(channel, message, err)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    channel.send({"ended": status, "err": _content(err, _ERRORS_KEPT)})
    os.close(err)


def _answer_calls(channel: Channel, message: Json, err: int) -> NoReturn:
    os.setsid()
    os.dup2(err, 2)
    most = int(message["seconds"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    _fresh_streams()
    program = type(sys)("program")
    try:
        _load(program, message["program"])
    except SystemExit as leaving:
        os._exit(_status_of(leaving))
    except BaseException:  # noqa: BLE001 - the program's, whatever it is
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    channel.send({"loaded": True})

    def exchange(message: Json) -> Json:
        _send(channel, message)
        received: Json = channel.receive()
        return received

    peer = Peer(exchange, _Actions(program).perform, _callback)
    try:
        while True:
            _send(channel, peer.perform(channel.receive()))
    except EOFError:
        os._exit(0)


def _send(channel: Channel, message: Json) -> None:
    try:
        channel.send(message)
    except TooLongError as error:
        channel.send(_raised("ValueError", error))


def _callback(peer: Peer, number: int) -> Callable[..., Any]:
    """Return a function that stands for one that a test has passed."""

    def call(*args: Any, **named: Any) -> Any:
        return peer.ask("call", number, args, **named)

    return call


class _Actions:
    """What a judge may ask of a program's objects."""

    def __init__(self, program: ModuleType) -> None:
        self._program = program

    def perform(self, peer: Peer, message: Json) -> Json:
        args = [peer.decode(one) for one in message["args"]]
        named = {key: peer.decode(one) for key, one in message["named"].items()}
        try:
            on = None if message["on"] is None else peer.things[message["on"]]
            value = getattr(self, "_" + message["do"])(on, *args, **named)
            reply: Json = {"value": peer.encode(value)}
        except StopIteration:
            return {"value": None, "end": True} if message["do"] == "next" else _raised("StopIteration")
        except Exception as error:  # noqa: BLE001 - the program's, whatever it is
            return _raised(type(error).__name__, error)
        if value is None and message["do"] == "call":
            now = [peer.encode(one) for one in args]
            reply["changed"] = {str(i): one for i, one in enumerate(now) if one != message["args"][i]}
        return reply

    def _name(self, _: Any, name: str) -> Any:
        if not hasattr(self._program, name):
            raise NameError(f"the program defines no '{name}'")
        return getattr(self._program, name)

    def _method(self, _: Any, name: str) -> Any:
        """Return a function of this name, or the method of a class ``Solution`` that has it."""
        if not hasattr(self._program, name) and hasattr(self._program, "Solution"):
            return getattr(self._program.Solution(), name)
        return self._name(None, name)

    def _solve(self, _: Any, name: str, *args: Any) -> Any:
        return self._method(None, name)(*args)

    def _call(self, on: Any, *args: Any, **named: Any) -> Any:
        return on(*args, **named)

    def _get(self, on: Any, name: str) -> Any:
        return getattr(on, name)

    def _item(self, on: Any, key: Any) -> Any:
        return on[key]

    def _iter(self, on: Any) -> Any:
        return iter(on)

    def _next(self, on: Any) -> Any:
        return next(on)

    def _length(self, on: Any) -> int:
        return len(on)

    def _truth(self, on: Any) -> bool:
        return bool(on)

    def _text(self, on: Any) -> str:
        return str(on)


def _raised(name: str, error: Exception | None = None) -> Json:
    try:
        message = "" if error is None else str(error)[:_ERRORS_KEPT]
    except Exception:  # noqa: BLE001 - a message that cannot be read
        message = ""
    return {"raised": [name, message]}
