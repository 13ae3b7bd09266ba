"""A spec over two small models of a stand-in for vLLM, and what the stand-in was asked."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT, Osca, write_problems

STUB = ROOT / "tests" / "vllmstub"

SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
  - name: more
    problems: {source: jsonl, path: more.jsonl, id: id}
    reference: answer
    verifier: {type: number}
backends:
  box: {type: vllm%s}
configurations:
  - grid:
      model: [box/./small, box/./large]
      temperature: [0.5, 1.0]
      prompt: ["{{ question }} [{{ answer }}]", "Think. {{ question }} [{{ answer }}]"]
    max_tokens: 64
pilot: {samples: 2}
budget: {samples: 4}
"""


@dataclass(frozen=True)
class Stub:
    """The stand-in, and the folder that holds its models."""

    folder: Path
    setenv: Callable[[str, str], None]

    def write(self, settings: str = "", text: str = SPEC) -> None:
        (self.folder / "spec.yaml").write_text(text % settings)

    def trace(self, *kinds: str) -> list[str]:
        """What happened, by whom left out."""
        path = self.folder / "trace"
        lines = path.read_text().splitlines() if path.exists() else []
        happened = [line.split(" ", 1)[1] for line in lines]
        return [line for line in happened if not kinds or line.startswith(kinds)]

    def processes(self) -> list[int]:
        lines = (self.folder / "trace").read_text().splitlines()
        return list(dict.fromkeys(int(line.split()[0]) for line in lines))


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, osca: Osca) -> Stub:
    monkeypatch.syspath_prepend(STUB)
    importlib.invalidate_caches()
    monkeypatch.setenv("STUB_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("OSCA_CACHE", str(tmp_path / "cache"))
    for name in ("small", "large"):
        write_model(tmp_path / name, name)
    write_problems(tmp_path / "sums.jsonl", 3)
    write_problems(tmp_path / "more.jsonl", 3, start=10)
    stub = Stub(tmp_path, monkeypatch.setenv)
    stub.write()
    return stub


def write_model(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("a template")
    (folder / "model.safetensors").write_text(content)
