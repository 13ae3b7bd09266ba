"""A folder with problems, and short ways to load a spec and to see what is wrong with one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from osca_cli.errors import SpecError
from osca_cli.spec.load import load_spec
from osca_cli.spec.types import Spec

SMALLEST = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
    held_out: 0.5
configurations:
  - grid: {model: [llama_cpp/smollm2-135m-instruct], temperature: [0.2, 0.8, 1.2], prompt: ["{{ question }}"]}
    max_tokens: 64
budget: {samples: 8}
"""

Load = Callable[..., Spec]
FaultsOf = Callable[..., list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"id": i, "question": f"What is {i} + {i}?", "answer": 2 * i, "topic": i % 7} for i in range(20)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Load:
    """Load a spec's text from the folder."""

    def loaded(text: str = SMALLEST, **environment: str) -> Spec:
        path = folder / "spec.yaml"
        path.write_bytes(text.encode())
        return load_spec(path, environment=environment)

    return loaded


@pytest.fixture
def faults_of(load: Load, folder: Path) -> FaultsOf:
    """Return what is wrong with a spec, each fault as its line without the folder."""

    def faults(text: str, **environment: str) -> list[str]:
        with pytest.raises(SpecError) as caught:
            load(text, **environment)
        return str(caught.value).replace(f"{folder}/", "").splitlines()

    return faults


def edited(*replacements: tuple[str, str], text: str = SMALLEST) -> str:
    """Return the smallest spec with some of its text replaced."""
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text
