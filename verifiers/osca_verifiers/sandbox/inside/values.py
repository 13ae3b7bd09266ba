"""Python values as JSON: what crosses the border between a program and its judge.

Reading them makes built-in values and a few of the standard library, and runs nothing of the other side: an
object whose ``__eq__`` always agrees arrives as something else, or as a handle that equals nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # every import costs each sandbox its time
    from collections.abc import Callable
    from typing import Any

    Handles = Callable[[Any], int]
    Objects = Callable[[int], Any]

_SMALL = 1 << 63
_BASES = (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset)
_STANDARD: dict[tuple[str, str], Callable[[Any], list[Any]]] = {
    ("fractions", "Fraction"): lambda value: [value.numerator, value.denominator],
    ("decimal", "Decimal"): lambda value: [str(value)],
    ("collections", "deque"): lambda value: [list(value)],
    ("datetime", "date"): lambda value: [value.year, value.month, value.day],
    ("datetime", "time"): lambda value: [value.hour, value.minute, value.second, value.microsecond],
    ("datetime", "timedelta"): lambda value: [value.days, value.seconds, value.microseconds],
    ("datetime", "datetime"): lambda value: [
        *(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    ],
}
"""Classes of the standard library that are values, and what makes an equal one."""


def encode(value: Any, handle: Handles) -> Any:
    """Return a value as JSON; what is none of these kinds is named by the number that ``handle`` gives it."""
    kind = type(value)
    if value is None or kind in {bool, str, float}:
        return value
    if kind is list:
        return [encode(item, handle) for item in value]
    if kind is int and -_SMALL < value < _SMALL:
        return value
    if write := _WRITERS.get(kind):
        return {kind.__name__: write(value, handle)}
    return _other(kind, value, handle)


def decode(data: Any, thing: Objects) -> Any:
    """Return the value that :func:`encode` wrote; ``thing`` says what a handle's number stands for.

    Raises:
        ValueError: it is no such value. Any other exception means the same: the data is not trusted.
    """
    if isinstance(data, list):
        return [decode(item, thing) for item in data]
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind not in _READERS:
        raise ValueError(f"no such kind of value: {kind}")
    return _READERS[kind](content, thing)


def _other(kind: type, value: Any, handle: Handles) -> Any:
    """Return a value of a class that is not built in."""
    if make := _STANDARD.get((kind.__module__, kind.__qualname__)):
        parts = [encode(part, handle) for part in make(value)]
        return {"standard": [kind.__module__, kind.__qualname__, parts]}
    if kind.__module__ == "numpy" and hasattr(value, "tolist"):
        return encode(value.tolist(), handle)
    base = next((base for base in _BASES if issubclass(kind, base)), None)
    return {"handle": handle(value)} if base is None else encode(_as(base, value), handle)


def _as(base: Any, value: Any) -> Any:
    """Return a value of a derived class as one of the built-in class: a named tuple is a tuple."""
    if base is dict:
        return dict(dict.items(value))
    if base in {tuple, list, set, frozenset}:
        return base(base.__iter__(value))
    return base.__new__(base, value)


def _items(value: Any, handle: Handles) -> list[Any]:
    return [encode(item, handle) for item in value]


_WRITERS: dict[type, Callable[[Any, Handles], Any]] = {
    int: lambda value, _: hex(value),
    complex: lambda value, _: [value.real, value.imag],
    bytes: lambda value, _: value.hex(),
    bytearray: lambda value, _: value.hex(),
    tuple: _items,
    set: _items,
    frozenset: _items,
    dict: lambda value, handle: [[encode(part, handle) for part in item] for item in value.items()],
    range: lambda value, handle: [encode(part, handle) for part in (value.start, value.stop, value.step)],
}


def _values(content: Any, thing: Objects) -> Any:
    return (decode(item, thing) for item in content)


def _standard(content: Any, thing: Objects) -> Any:
    import importlib

    module, name, parts = content
    if (module, name) not in _STANDARD:
        raise ValueError(f"no such kind of value: {module}.{name}")
    return getattr(importlib.import_module(module), name)(*_values(parts, thing))


_READERS: dict[str, Callable[[Any, Objects], Any]] = {
    "int": lambda content, _: int(content, 16),
    "complex": lambda content, _: complex(float(content[0]), float(content[1])),
    "bytes": lambda content, _: bytes.fromhex(content),
    "bytearray": lambda content, _: bytearray.fromhex(content),
    "tuple": lambda content, thing: tuple(_values(content, thing)),
    "set": lambda content, thing: set(_values(content, thing)),
    "frozenset": lambda content, thing: frozenset(_values(content, thing)),
    "dict": lambda content, thing: {decode(key, thing): decode(item, thing) for key, item in content},
    "range": lambda content, thing: range(*_values(content, thing)),
    "standard": _standard,
    "handle": lambda content, thing: thing(content),
}
