"""Rounds against one sample at a time: wall time, samples and pass rate of one plan over a slow server.

    python benchmarks/rounds.py [--problems 60] [--latency 4] [--in-flight 400]

A server of OpenAI's protocol on this machine answers after a while, Gamma distributed with the given mean in
seconds and half of it as standard deviation, right or wrong by the sample's seed. One plan of eight samples,
from a pilot of that server, is executed on as many held-out problems one sample at a time, in 4 rounds and in
2, each in a fresh pool. So many requests may be in flight that hardly one waits for another, as with a server
that scales.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.conftest import write_problems  # noqa: E402
from tests.faultserver.server import Asked, FaultServer, Reply, answer  # noqa: E402

SPEC = """\
version: 1
backends:
  box: {{type: openai, base_url: "{url}/v1", api_key_env: BOX_KEY, max_in_flight: {in_flight}}}
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    verifier: {{type: number}}
    held_out: 0.6
configurations:
  - grid:
      model: [box/tiny, box/huge]
      temperature: [0.5, 1.0]
      prompt: ["{{{{ question }}}} [{{{{ answer }}}}]"]
    max_tokens: 16
pilot: {{samples: 4}}
budget: {{samples: 8}}
"""


def fraction(*parts: object) -> float:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6]) / 2**48


def serving(latency_s: float) -> FaultServer:
    """Start the server: a problem has its rate by model and temperature, and some are hard for all."""

    def script(asked: Asked) -> Reply:
        body = asked.body
        hard = fraction("problem", asked.prompt)
        rate = 0.9 * (1 - hard) * fraction(body["model"], body["temperature"], asked.prompt)
        place = body["model"], body["temperature"], body["seed"], asked.prompt
        right = fraction("right", *place) < rate
        parts = (1 - fraction("wait", part, *place) for part in range(4))
        wait_s = -latency_s / 4 * sum(math.log(part) for part in parts)
        return answer(asked, text=None if right else "I do not know.", wait_s=wait_s)

    return FaultServer(script).start()


def osca(folder: Path, *args: str) -> tuple[Any, float]:
    """Run a command; return what it prints as JSON, and the seconds that it took."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "osca_cli", *args, "--json"],
        cwd=folder,
        env={**os.environ, "BOX_KEY": "sk-test-0123456789abcdefghij"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout), time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--latency", type=float, default=4.0)
    parser.add_argument("--in-flight", type=int, default=400)
    arguments = parser.parse_args()
    server = serving(arguments.latency)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_problems(folder / "sums.jsonl", round(arguments.problems / 0.6))
        text = SPEC.format(url=server.url, in_flight=arguments.in_flight)
        (folder / "spec.yaml").write_text(text)
        osca(folder, "run", "spec.yaml")
        print("| drawn | seconds | samples a problem | expected | pass rate |\n|---|---|---|---|---|")
        for rounds in (None, 4, 2):
            spec = folder / f"rounds{rounds}.yaml"
            spec.write_text(text + (f"run: {{rounds: {rounds}}}\n" if rounds else ""))
            plan, _ = osca(folder, "plan", spec.name, "-o", f"plan{rounds}.yaml")
            ran, seconds = osca(folder, "run", f"plan{rounds}.yaml", "--db", f"run{rounds}.db")
            [task] = ran["tasks"]
            sizes = plan.get("rounds", [1] * len(plan["schedule"]))
            way = f"{' + '.join(map(str, sizes))}" if rounds else "one at a time"
            print(
                f"| {way} | {seconds:.1f} | {task['samples']:.2f} | {task['expected']['samples']:.2f}"
                f" | {task['pass_rate']:.3f} |",
                flush=True,
            )
    server.stop()


if __name__ == "__main__":
    main()
