"""Requests a second of ``osca run`` against a bare loop over the SDK, on a server that answers at once.

The server is a process of its own on loopback. The loop uses ``AsyncOpenAI`` with as many requests in flight
and keeps nothing; osca waits for turns, keeps every sample in its pool and verifies it. With ``--inspect
PROGRAM`` the same samples are drawn by Inspect AI too. Prints JSON.

Run: ``python benchmarks/sampling.py [--samples 2000] [--in-flight 64] [--inspect inspect]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ANSWER = json.dumps({
    "id": "x", "object": "chat.completion", "created": 1, "model": "instant",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "It is 4."}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16},
}).encode()  # fmt: skip
HEAD = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(ANSWER)}\r\n\r\n".encode()

SPEC = """\
version: 1
backends:
  instant: {{type: openai, base_url: "{url}", max_in_flight: {in_flight}}}
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    verifier: {{type: number}}
configurations:
  - {{name: one, model: instant/instant, temperature: 1, max_tokens: 16, prompt: "{{{{ question }}}}"}}
pilot: {{samples: {each}}}
"""
TASK = """\
from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes

@task
def sums():
    problems = [Sample(input=f"What is {i} + {i}?", target="4") for i in range(PROBLEMS)]
    return Task(dataset=problems, scorer=includes(), epochs=Epochs(EACH))
"""
EACH = 10


async def serve() -> None:
    """Answer every request at once, and say on which port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                writer.write(HEAD + ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def loop(url: str, samples: int, in_flight: int) -> float:
    """Return the seconds that the SDK alone takes."""
    import openai

    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    numbers = iter(range(samples))

    async def work() -> None:
        for number in numbers:
            messages = [{"role": "user", "content": f"What is {number} + {number}?"}]
            await client.chat.completions.create(
                model="instant", messages=messages, temperature=1, max_tokens=16, seed=number
            )

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return time.perf_counter() - start


def with_osca(url: str, samples: int, in_flight: int) -> dict[str, float]:
    """Return what ``osca run`` takes, as a process of its own, its start apart."""
    with tempfile.TemporaryDirectory() as folder:
        write_spec(Path(folder), url, samples, in_flight)
        environment = {**os.environ, "COLUMNS": "100"}
        command = [sys.executable, "-m", "osca_cli", "run", "spec.yaml", "--json", "--yes"]
        idle = timed([*command, "--limit", "1", "--samples", "1"], folder, environment)
        whole = timed(command, folder, environment)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return {"seconds": whole - idle, "start_s": idle, "peak_mib": round(memory)}


def write_spec(folder: Path, url: str, samples: int, in_flight: int) -> None:
    text = SPEC.format(url=url, in_flight=in_flight, each=EACH)
    (folder / "spec.yaml").write_text(text)
    rows = ({"id": i, "question": f"What is {i} + {i}?", "answer": 4} for i in range(samples // EACH))
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def with_inspect(program: str, url: str, samples: int, in_flight: int) -> dict[str, float]:
    """Return what Inspect AI takes for the same samples, its start apart."""
    with tempfile.TemporaryDirectory() as folder:
        text = TASK.replace("PROBLEMS", str(samples // EACH)).replace("EACH", str(EACH))
        Path(folder, "sums.py").write_text(text)
        environment = {**os.environ, "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url}
        options = ["--model", "openai/instant", "--max-connections", str(in_flight), "--display", "none"]
        command = [program, "eval", "sums.py", *options, "--temperature", "1", "--max-tokens", "16"]
        idle = timed([*command, "--limit", "1", "--epochs", "1"], folder, environment)
        return {"seconds": timed(command, folder, environment) - idle, "start_s": idle}


def timed(command: list[str], folder: str, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--inspect", metavar="PROGRAM")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        print(json.dumps(compare(url, options.samples, options.in_flight, options.inspect), indent=2))
    finally:
        server.kill()
        server.wait()


def compare(url: str, samples: int, in_flight: int, inspect: str | None) -> dict[str, object]:
    """Return the requests a second of each, and what osca reaches of the loop's."""
    asyncio.run(loop(url, min(samples, 200), in_flight))  # imports and connections, not counted
    before = asyncio.run(loop(url, samples, in_flight))
    osca = with_osca(url, samples, in_flight)
    after = asyncio.run(loop(url, samples, in_flight))
    rates = {"sdk": 2 * samples / (before + after), "osca": samples / osca["seconds"]}
    if inspect:
        rates["inspect"] = samples / with_inspect(inspect, url, samples, in_flight)["seconds"]
    return {
        "samples": samples,
        "in_flight": in_flight,
        "requests_per_s": {name: round(rate, 1) for name, rate in rates.items()},
        "osca_of_sdk": round(rates["osca"] / rates["sdk"], 3),
        **({"osca_of_inspect": round(rates["osca"] / rates["inspect"], 2)} if inspect else {}),
        "osca_start_s": round(osca["start_s"], 2),
        "osca_peak_mib": osca["peak_mib"],
    }


if __name__ == "__main__":
    main()
