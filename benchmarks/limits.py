"""How much of a server's allowance ``osca run`` takes, how much of that is refused, and how it follows.

A server on loopback, a process of its own, allows so many requests a second and refuses all others with 429;
half-way it allows half as many. osca is told neither. Prints JSON: for each stretch of time the rate of
answers as a share of what was allowed, and the share of requests that were refused. The goal: at least 90%
and less than 5% within 30 s of the start, and the same after the change.

Run: ``python benchmarks/limits.py [--rate 50] [--kind bucket] [--latency 0.05] [--retry-after]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sampling import ANSWER, HEAD, write_spec

REFUSAL = json.dumps({"error": {"message": "slow down", "type": "requests"}}).encode()
Takes = Callable[[float, float], bool]


def bucket(burst: float) -> Takes:
    """Return a token bucket: whether it takes a request now, at so many a second."""
    level, last = burst, 0.0

    def takes(now: float, rate: float) -> bool:
        nonlocal level, last
        level, last = min(burst, level + (now - last) * rate), now
        if level < 1:
            return False
        level -= 1
        return True

    return takes


def window() -> Takes:
    """Return a server that allows so many in each second of the clock."""
    second, number = 0, 0

    def takes(now: float, rate: float) -> bool:
        nonlocal second, number
        if int(now) != second:
            second, number = int(now), 0
        number += 1
        return number <= rate

    return takes


KINDS = {
    "bucket": bucket,
    "small-bucket": lambda _: bucket(5),
    "window": lambda _: window(),
}


async def serve(rate: float, kind: str, change_at: float, latency_s: float, retry_after: bool) -> None:
    """Serve until told to stop, and then print when each request came and whether it was answered."""
    takes, seen = KINDS[kind](rate), []
    asking = b"retry-after: 1\r\n" if retry_after else b""
    refused = b"HTTP/1.1 429 No\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b"
    refusal = refused % (asking, len(REFUSAL), REFUSAL)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                now = time.monotonic()
                since = now - (seen[0][0] if seen else now)
                taken = takes(now, rate if since < change_at else rate / 2)
                seen.append((now, taken))
                await asyncio.sleep(latency_s * random.uniform(0.8, 1.2))
                writer.write(HEAD + ANSWER if taken else refusal)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    start = seen[0][0]
    print(json.dumps([(round(at - start, 4), taken) for at, taken in seen]), flush=True)


def run(url: str, seconds: float, rate: float) -> None:
    """Draw from the server for so long.

    Raises:
        SystemExit: it ended before.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_spec(Path(folder), url, round(2 * seconds * rate), 64)
        command = [sys.executable, "-m", "osca_cli", "run", "spec.yaml", "--yes"]
        with Path(folder, "said.txt").open("w+") as said:
            process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
            try:
                process.wait(seconds + 8)  # the start included
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return
            said.seek(0)
            raise SystemExit(f"osca run ended too early: {said.read()}")


def stretch(seen: list[tuple[float, bool]], start: float, end: float, allowed: float) -> dict[str, float]:
    """Return what happened between two moments."""
    taken = [taken for at, taken in seen if start <= at < end]
    rate = sum(taken) / (end - start)
    return {
        "from_s": start,
        "to_s": end,
        "allowed_per_s": allowed,
        "answered_per_s": round(rate, 1),
        "of_allowed": round(rate / allowed, 3),
        "refused": round(1 - sum(taken) / max(1, len(taken)), 4),
    }


def stretches(seen: list[tuple[float, bool]], rate: float, seconds: float) -> list[dict[str, float]]:
    change = seconds / 2
    moments = [(0.0, 10.0), (10.0, min(30.0, change)), (0.0, min(30.0, change))]
    before = [stretch(seen, start, end, rate) for start, end in moments]
    moments = [(change, change + 10), (change + 10, seconds), (change, seconds)]
    return before + [stretch(seen, start, end, rate / 2) for start, end in moments]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--kind", choices=sorted(KINDS), default="bucket")
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--retry-after", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        change_at = options.seconds / 2
        asyncio.run(serve(options.rate, options.kind, change_at, options.latency, options.retry_after))
        return
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", *sys.argv[1:]], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        run(f"http://127.0.0.1:{server.stdout.readline().strip()}/v1", options.seconds, options.rate)
        server.terminate()
        seen = json.loads(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
    found = stretches(seen, options.rate, options.seconds)
    print(json.dumps({"kind": options.kind, "latency_s": options.latency, "stretches": found}, indent=2))


if __name__ == "__main__":
    main()
