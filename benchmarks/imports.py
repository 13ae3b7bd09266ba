"""Other tools' own results, imported: do the counts agree with their summaries, and can they be planned from?

Starts a server over the embedded model, has Inspect AI and promptfoo sample it, and imports what they wrote.
Each tool's number of samples and passes must be what it says itself. Prints JSON.

Run: ``python benchmarks/imports.py [--inspect PROGRAM] [--promptfoo PROGRAM] [--keep FOLDER]``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from osca_backends.llama_engine import xllamacpp
from osca_backends.models import SMOLLM2
from osca_cli.backends import cache_folder

TEMPERATURES = (0.2, 0.8, 1.4)
SPEC = """\
version: 1
backends:
  box: {{type: openai, base_url: "{url}/v1", provider: llama-server}}
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    verifier: {{type: number}}
    held_out: 0.4
configurations:
  - grid: {{model: [box/local], temperature: [0.2, 0.8, 1.4]}}
    prompt: "{{{{ question }}}}"
    max_tokens: 24
budget: {{samples: 4}}
"""
TASK = """\
from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.scorer import match

@task
def sums():
    dataset = json_dataset("sums.jsonl", FieldSpec(input="question", target="answer", id="id"))
    return Task(dataset=dataset, scorer=match(location="any", numeric=True), epochs=Epochs(EPOCHS, "mean"))
"""


def server(slots: int = 4) -> Any:
    """Serve the embedded model on loopback."""
    parameters = xllamacpp().CommonParams()
    parameters.model.path = str(SMOLLM2.place(cache_folder()))
    parameters.n_parallel, parameters.n_ctx = slots, slots * 512
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.use_jinja, parameters.warmup, parameters.verbosity = True, False, 0
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    return xllamacpp().Server(parameters)


def write_problems(path: Path, number: int) -> None:
    """Write easy sums, the first of which are easiest."""
    rows = [
        {"id": f"sum-{i}", "question": f"What is {i + 1} + {i % 4 + 1}?", "answer": str(i + 1 + i % 4 + 1)}
        for i in range(number)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(command: list[str], folder: Path, url: str, allowed: tuple[int, ...] = (0,)) -> str:
    """Run a program against the server; return what it printed."""
    keys = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{url}/v1", "PROMPTFOO_DISABLE_TELEMETRY": "1"}
    environment = {**os.environ, **keys, "PROMPTFOO_CONFIG_DIR": str(folder / ".promptfoo")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def sample_with_inspect(program: str, folder: Path, url: str, epochs: int) -> dict[str, Any]:
    """Let Inspect AI write a log for each temperature; return what they say of themselves."""
    (folder / "task.py").write_text(TASK.replace("EPOCHS", str(epochs)))
    for temperature in TEMPERATURES:
        sampling = ["--temperature", str(temperature), "--max-tokens", "24", "--max-connections", "4"]
        run(
            [
                program,
                "eval",
                "task.py",
                "--model",
                "openai/local",
                *sampling,
                "--log-dir",
                "logs",
                "--display",
                "none",
            ],
            folder,
            url,
        )
    logs = sorted((folder / "logs").glob("*.eval"))
    said = [json.loads(run([program, "log", "dump", "--header-only", str(log)], folder, url)) for log in logs]
    passes = sum(
        header["results"]["scores"][0]["metrics"]["accuracy"]["value"]
        * header["results"]["completed_samples"]
        for header in said
    )
    samples = sum(header["results"]["completed_samples"] for header in said)
    return {"files": [str(log) for log in logs], "samples": samples, "passed": round(passes)}


def sample_with_promptfoo(program: str, folder: Path, url: str, epochs: int) -> dict[str, Any]:
    """Let promptfoo write its results; return what they say of themselves."""
    rows = [json.loads(line) for line in (folder / "sums.jsonl").read_text().splitlines()]
    config = {
        "prompts": ["{{question}}"],
        "providers": [
            {
                "id": "openai:chat:local",
                "label": f"local/{temperature}",
                "config": {
                    "apiBaseUrl": f"{url}/v1",
                    "apiKey": "none",
                    "temperature": temperature,
                    "max_tokens": 24,
                },
            }
            for temperature in TEMPERATURES
        ],
        "tests": [
            {
                "vars": {"id": row["id"], "question": row["question"]},
                "assert": [{"type": "regex", "value": rf"(?<!\d){row['answer']}(?!\d)"}],
            }
            for row in rows
        ],
    }
    (folder / "pc.json").write_text(json.dumps(config))
    command = [
        program,
        "eval",
        "-c",
        "pc.json",
        "--no-cache",
        "--repeat",
        str(epochs),
        "-o",
        "promptfoo.json",
    ]
    run([*command, "--no-progress-bar"], folder, url, allowed=(0, 100))
    stats = json.loads((folder / "promptfoo.json").read_text())["results"]["stats"]
    return {
        "files": [str(folder / "promptfoo.json")],
        "samples": stats["successes"] + stats["failures"],
        "passed": stats["successes"],
    }


def imported(folder: Path, files: list[str], form: str) -> dict[str, Any]:
    """Import files into a pool of their own, twice, and plan from it and from the files themselves."""
    osca = [sys.executable, "-m", "osca_cli"]
    db = ["--db", f"{form}.db"]

    def ask(*command: str) -> Any:
        done = subprocess.run([*osca, *command], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"osca {' '.join(command)}: {done.stderr}")
        return json.loads(done.stdout)

    first = ask("import", *files, "--spec", "spec.yaml", "--task", "sums", "--json", *db)
    again = ask("import", *files, "--spec", "spec.yaml", "--task", "sums", "--json", *db)
    plan = ask("plan", "spec.yaml", "--json", *db)
    alone = ask("plan", files[0], "--budget", "4", "--json")
    return {
        "samples": first["imported"],
        "passed": first["passed"],
        "imported again": again["imported"],
        "plan": plan["allocation"],
        "plan of one file alone": alone["allocation"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--inspect")
    parser.add_argument("--promptfoo")
    parser.add_argument("--problems", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="osca-imports-"))
    folder.mkdir(exist_ok=True)
    engine = server()
    url = engine.listening_address
    (folder / "spec.yaml").write_text(SPEC.format(url=url))
    write_problems(folder / "sums.jsonl", options.problems)
    said = {}
    if options.inspect:
        said["inspect"] = sample_with_inspect(options.inspect, folder, url, options.epochs)
    if options.promptfoo:
        said["promptfoo"] = sample_with_promptfoo(options.promptfoo, folder, url, options.epochs)
    result = {}
    for form, tool in said.items():
        ours = imported(folder, tool["files"], form)
        agree = (ours["samples"], ours["passed"]) == (tool["samples"], tool["passed"])
        result[form] = {"agree": agree, "tool": {k: tool[k] for k in ("samples", "passed")}, "osca": ours}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
