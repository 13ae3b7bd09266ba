"""A worker process: judges one text after another, and ends when nobody can ask any more.

It speaks lines of JSON: nothing that a verifier or a text does can be taken for code by the parent, and lone
surrogates pass unharmed. See docs/decisions/041-worker-processes.md.
"""

from __future__ import annotations

import json
import os
import signal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from osca_cli.model import Verdict
from osca_cli.registry import verifier_class

if TYPE_CHECKING:
    from osca_cli.protocols import Verifier

READY = b"ready\n"
ANSWER_LIMIT = 10_000
REASON_LIMIT = 500
_GRACE_S = 1.0


def main() -> None:
    """Answer each line of standard input with a line on standard output, until the input closes."""
    requests, replies = _private_streams()
    replies.write(READY)
    replies.flush()
    for line in requests:
        request = json.loads(line)
        # Where the parent was killed nobody ends a verifier that hangs: then the kernel ends this process.
        signal.setitimer(signal.ITIMER_REAL, request["time_limit_s"] + _GRACE_S)
        reply = _reply(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(reply + b"\n")
        replies.flush()


def _private_streams() -> tuple[Any, Any]:
    """Keep the pipes to the parent to ourselves: a verifier that prints or reads gets the null device."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    return requests, replies


def _reply(request: dict[str, Any]) -> bytes:
    try:
        verifier = _verifier(request["type"], request["settings"])
        return _encoded(verifier.verify(request["text"], request["given"]))
    except BaseException as error:  # noqa: BLE001 - a third party's code: whatever it raises is its error
        reason = f"the verifier failed: {type(error).__name__}: {error}"
        return _encoded(Verdict(passed=None, reason=reason))


@lru_cache(maxsize=64)
def _verifier(type_name: str, settings: str) -> Verifier:
    return verifier_class(type_name)(json.loads(settings))


def _encoded(verdict: Verdict) -> bytes:
    """Write a verdict as one line, its texts cut to what a pool should keep."""
    answer = None if verdict.answer is None else verdict.answer[:ANSWER_LIMIT]
    score = None if verdict.score is None else float(verdict.score)
    return json.dumps([verdict.passed, answer, score, verdict.reason[:REASON_LIMIT]]).encode()
