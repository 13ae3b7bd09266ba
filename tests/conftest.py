"""What many tests need: a folder with a small spec, the command line, the data folder."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line has it; before numpy is imported

from osca_cli.cli import main

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "tests" / "plugin"
sys.path.append(str(PLUGIN))  # where the scripted backend's entry point is found

SPEC = """\
version: 1
tasks:
  - name: sums
    problems: {source: jsonl, path: sums.jsonl, id: id}
    reference: answer
    verifier: {type: number}
    held_out: 0.5
configurations:
  - grid:
      model: [scripted/small, scripted/large]
      temperature: [0.5, 1.0]
      prompt: ["{{ question }} [{{ answer }}]"]
    max_tokens: 64
pilot: {samples: 4}
budget: {samples: 4}
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out)


Osca = Callable[..., Result]


def environment(**more: str) -> dict[str, str]:
    """The environment of a user without keys, who has the scripted backend installed."""
    keep = {"PATH", "HOME", "LANG", "TMPDIR", "OSCA_CACHE"}
    paths = [str(PLUGIN), str(ROOT), str(ROOT / "backends"), str(ROOT / "verifiers")]
    return {
        **{name: value for name, value in os.environ.items() if name in keep or name.startswith("PIP_")},
        "PYTHONPATH": os.pathsep.join(paths),
        "COLUMNS": "120",
        **more,
    }


@pytest.fixture
def osca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Osca:
    """Run the command line in the test's folder, in this process: most tests need no other."""
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*args: str, cwd: Path = tmp_path, code: int | None = 0) -> Result:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.chdir(cwd)
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
            main(list(args))
        result = Result(left.value.code, out.getvalue(), err.getvalue())
        assert code is None or result.code == code, result
        return result

    return run


@pytest.fixture
def osca_process(tmp_path: Path) -> Osca:
    """Run the command line as a process of its own in the test's folder."""

    def run(*args: str, cwd: Path = tmp_path, code: int | None = 0, **more: str) -> Result:
        process = subprocess.run(
            [sys.executable, "-m", "osca_cli", *args],
            cwd=cwd,
            env=environment(**more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        result = Result(process.returncode, process.stdout, process.stderr)
        assert code is None or result.code == code, result
        assert "Traceback" not in result.err, result.err
        return result

    return run


@pytest.fixture
def spec_folder(tmp_path: Path) -> Path:
    """A folder with a small spec over the scripted backend, and twenty problems."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    write_problems(tmp_path / "sums.jsonl", 20)
    return tmp_path


def write_problems(path: Path, number: int, start: int = 0) -> None:
    rows = [
        {"id": f"p{i}", "question": f"What is {i} + {2 * i}?", "answer": 3 * i}
        for i in range(start, start + number)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real pass and fail counts, which are not part of the project."""
    folder = Path(os.environ.get("OSCA_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no data folder: set OSCA_DATA to one with real pass and fail counts")
    return folder
