"""Whether a model that got slightly worse is named, and one that did not is left alone: real samples.

    python benchmarks/drift.py RECORDING.db [--folder FOLDER] [--resamplings 100]

RECORDING.db has the samples of specs/ci/spec.yaml: prompts "chat" and "examples" to the embedded model. Of
"examples" worse ones are drawn, two samples a cell, into FOLDER, where they stay: two of the five
examples taken out of the prompt, and the same model with some of its tensors in three bits instead of four
(weights rounded to even ones of sixteen levels).

Each resampling takes three quarters of the problems, and deals the recorded samples of each cell into then
and now. "unchanged": now is the other half. Otherwise now is the worse model's for "examples". Told is how
often each is named. Run it with nice: it draws 480 samples for each worse one.
"""

from __future__ import annotations

import argparse
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio
import numpy as np

from osca_backends.models import KNOWN_MODELS, obtain
from osca_cli.backends import open_backends
from osca_cli.check.drift import Drift, ThenAndNow, drift
from osca_cli.outcomes.types import Ints
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.load import load_spec
from osca_cli.store.counts import counted
from osca_cli.store.pool import Pool

CI = Path(__file__).resolve().parent.parent / "specs" / "ci"
MODEL = "smollm2-135m-instruct"
PROMPT = "examples"
DRAWN = 2
WORSE = {"coarser": 4, "a little coarser": 12}
"""Every so many-th tensor is in three bits: in three bits throughout, the model hardly speaks."""

SHARE = 0.75
Q4_1, BLOCK = 3, 20  # of 32 weights: two half floats, then their nibbles
SIZES = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<B", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, LIST, ALIGNED = 8, 9, 32


class Reader:
    """Reads numbers and texts of a GGUF file, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 8

    def number(self, form: str) -> int:
        """Read a number."""
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def text(self) -> None:
        """Skip a text."""
        length = self.number("<Q")
        self.at += length

    def value(self, kind: int) -> None:
        """Skip a value of the metadata."""
        if kind == TEXT:
            self.text()
        elif kind == LIST:
            inner, length = self.number("<I"), self.number("<Q")
            for _ in range(length):
                self.value(inner)
        else:
            self.number(SIZES[kind])


def in_three_bits(data: bytes, step: int) -> bytes:
    """Return a GGUF file in which every so many-th tensor of four bits is rounded to even levels."""
    reader = Reader(data)
    tensors, entries = reader.number("<Q"), reader.number("<Q")
    for _ in range(entries):
        reader.text()
        reader.value(reader.number("<I"))
    found = []
    for _ in range(tensors):
        reader.text()
        shape = [reader.number("<Q") for _ in range(reader.number("<I"))]
        kind, offset = reader.number("<I"), reader.number("<Q")
        if kind == Q4_1:
            found.append((offset, int(np.prod(shape)) // 32))
    begin = -(-reader.at // ALIGNED) * ALIGNED
    made = np.frombuffer(data, np.uint8).copy()
    for offset, blocks in found[::step]:
        part = made[begin + offset : begin + offset + blocks * BLOCK].reshape(blocks, BLOCK)
        up = np.arange(16) % 2  # half of the odd levels go up and half down, so that no block is shifted
        low, high = part[:, 4:] & 15, part[:, 4:] >> 4
        low, high = (
            np.where(nibble % 2, np.clip(nibble + 2 * up - 1, 0, 14), nibble) for nibble in (low, high)
        )
        part[:, 4:] = low | high << 4
    return made.tobytes()


def embedded() -> Path:
    """Return the embedded model's file."""
    folder = Path(os.environ.get("OSCA_CACHE", Path.home() / ".cache" / "osca"))
    return anyio.run(obtain, KNOWN_MODELS[MODEL], folder, print)


def worse_specs(folder: Path) -> dict[str, Path]:
    """Write the specs of the worse models, with what they need."""
    text = (CI / "spec.yaml").read_text().replace("problems.jsonl", str(CI / "problems.jsonl"))
    weights = embedded().read_bytes()
    texts = {"fewer examples": text.replace("      gcd(6, 9) = 3\n      count(o, robot) = 2\n", "")}
    for name, step in WORSE.items():
        file = f"{name.replace(' ', '-')}.gguf"
        (folder / file).write_bytes(in_three_bits(weights, step))
        texts[name] = text.replace(f"llama_cpp/{MODEL}", f"llama_cpp/./{file}")
    paths = {}
    for name, one in texts.items():
        assert one != text
        paths[name] = folder / f"{name.replace(' ', '-')}.yaml"
        paths[name].write_text(one)
    return paths


def counts_of(spec_file: Path, db: Path) -> tuple[list[str], Ints, Ints]:
    """Return the names of a pool's configurations, and its samples and passes, shape ``(S, P)``."""
    spec = load_spec(spec_file, environment={})
    task = spec.tasks[0]
    problems, configurations = (*task.train, *task.held_out), spec.configurations_of(task.name)
    with Pool(db, create=False) as pool:
        ids = CellMaker(spec, open_backends(spec)).ids(task, problems, configurations)
        n, c, _ = counted(pool.connection, ids, (len(problems), len(configurations)))
    order = np.argsort([problem.id for problem in problems])
    return [one.name for one in configurations], n[:, order], c[:, order]


def resampled(random: np.random.Generator, names: list[str], n: Ints, c: Ints, worse: Ints | None) -> Drift:
    """Deal the samples of each cell into then and now, and compare; now may be a worse model's in part."""
    width = n.shape[1]
    kept = np.sort(random.choice(width, int(SHARE * width), replace=False))
    models = [name.split("/")[0] for name in names]
    c_then = random.hypergeometric(c, n - c, DRAWN)
    c_now = c - c_then
    if worse is not None:
        rows = np.array(models) == PROMPT
        c_now[rows] = worse[rows]
    drawn = np.full((len(names), len(kept)), DRAWN)
    return drift([ThenAndNow("t", names, models, drawn, c_then[:, kept], drawn, c_now[:, kept])])


def drawn_anew(spec: Path) -> Ints:
    """Draw from a worse model what its pool lacks, and return its passes."""
    db = spec.with_suffix(".db")
    words = ["run", str(spec), "--split", "all", "--only", f"{PROMPT}/*", "--samples", str(DRAWN), "--yes"]
    osca = [sys.executable, "-m", "osca_cli", *words, "--db", str(db)]
    subprocess.run(osca, check=True, stdout=subprocess.DEVNULL)
    return counts_of(spec, db)[2]


def main(recording: Path, folder: Path, resamplings: int) -> None:
    names, n, c = counts_of(CI / "spec.yaml", recording)
    assert (n == 2 * DRAWN).all(), "the recording lacks samples"
    rows = [row for row, name in enumerate(names) if name.startswith(PROMPT)]
    specs = worse_specs(folder)
    worse: dict[str, Ints | None] = {"unchanged": None} | {
        name: drawn_anew(spec) for name, spec in specs.items()
    }
    print(f"| now | pass rate of {PROMPT} | {PROMPT} named | chat named | anything named, of {resamplings} |")
    print("|---|---|---|---|---|")
    for label, passes in worse.items():
        random = np.random.default_rng(0)
        found = [resampled(random, names, n, c, passes) for _ in range(resamplings)]
        named = [sum(one.moved for d in found for one in d.models if one.name == m) for m in (PROMPT, "chat")]
        before = c[rows].sum() / n[rows].sum()
        after = before if passes is None else passes[rows].sum() / (DRAWN * passes[rows].size)
        rates = f"{100 * before:.1f}% to {100 * after:.1f}%"
        anything = sum(not one.passed for one in found)
        print(f"| {label} | {rates} | {named[0]} | {named[1]} | {anything} |")
    for spec in specs.values():
        db = spec.with_suffix(".db")
        print(f"\n$ osca check {spec.name} --against {recording.name} --db {db.name}", flush=True)
        words = ["check", str(spec), "--against", str(recording), "--db", str(db)]
        subprocess.run([sys.executable, "-m", "osca_cli", *words], check=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recording", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--resamplings", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        main(given.recording.resolve(), given.folder or Path(temporary), given.resamplings)
