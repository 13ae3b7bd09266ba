"""Calls from the judge into the program, and back into functions that a test has passed to it.

The judge asks, the program answers; while it answers it may ask for a call of what it was given. Nothing but
:mod:`values` crosses. The program is never told what a result is compared with.
"""

from __future__ import annotations

import builtins

from osca_verifiers.sandbox.inside.values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any]


class ProgramError(Exception):
    """What the program raised, where it is no exception that Python itself has."""


class Things:
    """The objects of one side that the other side knows by a number."""

    def __init__(self) -> None:
        self._by_number: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}

    def number(self, thing: Any) -> int:
        """Return the number of an object, the same one each time; it is kept alive from now on."""
        if id(thing) not in self._numbers:
            self._numbers[id(thing)] = len(self._by_number)
            self._by_number[len(self._by_number)] = thing
        return self._numbers[id(thing)]

    def __getitem__(self, number: int) -> Any:
        return self._by_number[number]


class Peer:
    """One side of the conversation.

    Args:
        exchange: Sends a message and returns the next one from the other side.
        perform: Does what the other side asks of one of our objects.
        wrap: Makes a stand-in for an object of the other side, from its number.
    """

    def __init__(
        self,
        exchange: Callable[[Json], Json],
        perform: Callable[[Peer, Json], Json],
        wrap: Callable[[Peer, int], Any],
    ) -> None:
        self.things = Things()
        self._exchange = exchange
        self._perform = perform
        self._wrap = wrap
        self._stand_ins: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}

    def perform(self, message: Json) -> Json:
        """Do what the other side asks, and return the reply."""
        return self._perform(self, message)

    def encode(self, value: Any) -> Any:
        """Return a value as JSON: an object that is no value as its number."""
        return encode(value, self._handle)

    def decode(self, data: Any) -> Any:
        """Return a value from JSON."""
        return decode(data, self._thing)

    def ask(self, what: str, on: Any = None, args: tuple[Any, ...] = (), **named: Any) -> Any:
        """Ask the other side to do something, and return the value that comes back.

        Raises:
            Exception: what the other side raised.
        """
        message = {
            "do": what,
            "on": on,
            "args": [self.encode(one) for one in args],
            "named": {key: self.encode(one) for key, one in named.items()},
        }
        reply = self._exchange(message)
        while "do" in reply:
            reply = self._exchange(self.perform(reply))
        if "raised" in reply:
            raise raised(*reply["raised"])
        if what == "next" and reply.get("end"):
            raise StopIteration
        value = self.decode(reply.get("value"))
        if (
            value is None
        ):  # it worked in place; what a function with a result does to its arguments is its own
            for place, data in reply.get("changed", {}).items():
                _change(args[int(place)], self.decode(data))
        return value

    def _handle(self, value: Any) -> int:
        number = self._numbers.get(id(value))
        return self.things.number(value) if number is None else -1 - number

    def _thing(self, number: int) -> Any:
        if number < 0:
            return self.things[-1 - number]
        if number not in self._stand_ins:
            self._stand_ins[number] = self._wrap(self, number)
            self._numbers[id(self._stand_ins[number])] = number
        return self._stand_ins[number]


def raised(name: str, message: str) -> Exception:
    """Return an exception of the other side as one of ours.

    The exceptions that steer Python itself are not among them: raised in ``all(map(f, …))``, a StopIteration
    would end the test instead of failing it.
    """
    kind = getattr(builtins, name, None)
    steering = (StopIteration, StopAsyncIteration, Warning)
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, steering):
        try:
            return kind(message)
        except TypeError:
            pass
    return ProgramError(f"{name}: {message}")


def _change(argument: Any, now: Any) -> None:
    """Let an argument become what the program made of its copy."""
    if type(argument) is not type(now):
        return
    if isinstance(argument, list | bytearray):
        argument[:] = now
    elif isinstance(argument, dict | set):
        argument.clear()
        argument.update(now)
