"""Requests a second of ``osca run`` against a bare loop over the SDK, on a server that answers at once.

The server is a process of its own on loopback. The loops use ``AsyncOpenAI`` with as many requests in flight
and keep nothing: one by ``chat.completions.create``, one by the client's ``post``, which makes no typed
objects. osca waits for turns, keeps every sample in its pool and verifies it. Prints JSON.

``--inspect`` draws the same samples by Inspect AI too, in an environment of its own that it makes in
``--environment``. ``--memory`` measures the memory of ``osca run`` for 1,000 to 100,000 samples instead.

Run: ``python benchmarks/sampling.py [--samples 2000] [--in-flight 64] [--inspect | --memory]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
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
    """Answer at once, and say on which port; a GET is told how long the requests since the last one took."""
    at: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                if head.startswith(b"GET"):
                    told = json.dumps({"requests": len(at), "seconds": at[-1] - at[0]}).encode()
                    writer.write(HEAD.replace(str(len(ANSWER)).encode(), str(len(told)).encode()) + told)
                    at.clear()
                    continue
                at.append(time.perf_counter())
                writer.write(HEAD + ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def rate(url: str) -> float:
    """Return the requests a second since this was asked last, from first to last, as the server saw them."""
    with urllib.request.urlopen(url) as answer:
        told = json.load(answer)
    return round((told["requests"] - 1) / told["seconds"], 1)


async def loop(url: str, samples: int, in_flight: int, *, typed: bool) -> None:
    """Ask by the SDK alone."""
    import httpx2
    import openai

    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    numbers = iter(range(samples))

    async def work() -> None:
        for number in numbers:
            messages = [{"role": "user", "content": f"What is {number} + {number}?"}]
            body = {
                "model": "instant",
                "messages": messages,
                "temperature": 1,
                "max_tokens": 16,
                "seed": number,
            }
            if typed:
                await client.chat.completions.create(**body)
            else:
                (await client.post("/chat/completions", cast_to=httpx2.Response, body=body)).json()

    await asyncio.gather(*(work() for _ in range(in_flight)))
    await client.close()


def with_osca(url: str, samples: int, in_flight: int) -> None:
    """Draw by ``osca run``, as a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_spec(Path(folder), url, samples, in_flight)
        run([sys.executable, "-m", "osca_cli", "run", "spec.yaml", "--json", "--yes"], folder)


def memory(url: str, samples: int, in_flight: int) -> dict[str, float]:
    """Return how much memory ``osca run`` has while it draws so many samples of 100 problems."""
    with tempfile.TemporaryDirectory() as folder:
        write_spec(Path(folder), url, samples, in_flight, each=samples // 100)
        command = [sys.executable, "-m", "osca_cli", "run", "spec.yaml", "--json", "--yes"]
        start, seen = time.perf_counter(), []
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            seen.append(resident(process.pid))
            time.sleep(0.2)
        if process.returncode:
            raise SystemExit(f"osca run ended with status {process.returncode}")
        half = seen[len(seen) // 2 :]
        return {
            "samples": samples,
            "seconds": round(time.perf_counter() - start, 1),
            "peak_mib": round(max(seen), 1),
            "second_half_mib": round(statistics.median(half), 1),
            "database_mib": round(Path(folder, "osca.db").stat().st_size / 2**20, 1),
        }


def resident(pid: int) -> float:
    """Return the memory of a process in MiB; 0 when it has just ended."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(told.stdout.strip() or 0) / 1024


def write_spec(folder: Path, url: str, samples: int, in_flight: int, each: int = EACH) -> None:
    """Write a spec of so many samples, ``each`` of a problem, and its problems."""
    (folder / "spec.yaml").write_text(SPEC.format(url=url, in_flight=in_flight, each=each))
    rows = ({"id": i, "question": f"What is {i} + {i}?", "answer": 4} for i in range(samples // each))
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def with_inspect(program: Path, url: str, samples: int, in_flight: int) -> None:
    """Draw the same samples by Inspect AI."""
    with tempfile.TemporaryDirectory() as folder:
        text = TASK.replace("PROBLEMS", str(samples // EACH)).replace("EACH", str(EACH))
        Path(folder, "sums.py").write_text(text)
        options = ["--model", "openai/instant", "--max-connections", str(in_flight), "--display", "none"]
        command = [str(program), "eval", "sums.py", *options, "--temperature", "1", "--max-tokens", "16"]
        run(command, folder, OPENAI_API_KEY="none", OPENAI_BASE_URL=url)


def inspect_in(environment: Path) -> Path:
    """Return Inspect's program in an environment of its own, which is made if need be."""
    program = environment / "bin" / "inspect"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        install = [str(environment / "bin" / "pip"), "install", "--quiet", "inspect-ai", "openai"]
        subprocess.run(install, check=True)
    return program


def run(command: list[str], folder: str, **more: str) -> None:
    """Run a command to its end."""
    environment = {**os.environ, "COLUMNS": "100", **more}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def compare(url: str, samples: int, in_flight: int, rounds: int, inspect: Path | None) -> dict[str, object]:
    """Return the requests a second of each in several rounds, and what osca reaches of the others."""
    asyncio.run(loop(url, min(samples, 200), in_flight, typed=True))  # imports, not counted
    rate(url)
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        asyncio.run(loop(url, samples, in_flight, typed=True))
        rates["sdk"].append(rate(url))
        with_osca(url, samples, in_flight)
        rates["osca"].append(rate(url))
        asyncio.run(loop(url, samples, in_flight, typed=False))
        rates["sdk_post"].append(rate(url))
        if inspect:
            with_inspect(inspect, url, samples, in_flight)
            rates["inspect"].append(rate(url))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    others = {name: round(middle["osca"] / other, 2) for name, other in middle.items() if name != "osca"}
    return {
        "samples": samples,
        "in_flight": in_flight,
        "requests_per_s": rates,
        **{f"osca_of_{name}": ratio for name, ratio in others.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inspect", action="store_true")
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir(), "osca-inspect"))
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--most", type=int, default=100_000, help="samples of the longest run with --memory")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        if options.memory:
            for samples in (1000, 10_000, 100_000):
                if samples <= options.most:
                    print(json.dumps(memory(url, samples, options.in_flight)), flush=True)
            return
        program = inspect_in(options.environment) if options.inspect else None
        found = compare(url, options.samples, options.in_flight, options.rounds, program)
        print(json.dumps(found, indent=2))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
