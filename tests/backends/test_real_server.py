"""A real model server on loopback, asked through the official SDKs: the same spec by three backends."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from osca_backends.models import SMOLLM2, obtain
from osca_cli.backends import cache_folder
from osca_cli.errors import UnavailableError
from tests.conftest import Osca, write_problems

SPEC = """\
version: 1
backends:
  local: {{type: llama_cpp, threads: 1, slots: 2, context: 512}}
  chat: {{type: openai, base_url: "{url}/v1", provider: chat, max_in_flight: 2}}
  claude: {{type: anthropic, base_url: "{url}", provider: claude, max_in_flight: 2}}
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    verifier: {{type: number}}
configurations:
  - grid: {{model: [local/smollm2-135m-instruct, chat/by-openai, claude/by-anthropic], temperature: [0, 1]}}
    prompt: "{{{{ question }}}} Answer with the number only."
    max_tokens: 12
pilot: {{samples: 1}}
"""


@pytest.fixture(scope="module")
def model_server() -> Iterator[str]:
    """The embedded model behind llama.cpp's own HTTP server, which speaks both protocols."""
    xllamacpp = pytest.importorskip("xllamacpp")
    try:
        path = anyio.run(obtain, SMOLLM2, cache_folder(), print)
    except UnavailableError as error:
        pytest.skip(str(error))
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_parallel, parameters.n_ctx = 2, 1024
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.use_jinja, parameters.warmup, parameters.verbosity = True, False, 0
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    server = xllamacpp.Server(parameters)
    yield server.listening_address
    del server


@pytest.fixture
def folder(tmp_path: Path, model_server: str) -> Path:
    write_problems(tmp_path / "sums.jsonl", 3)
    (tmp_path / "spec.yaml").write_text(SPEC.format(url=model_server))
    return tmp_path


def rows(folder: Path, query: str) -> list[tuple]:
    sql = sqlite3.connect(folder / "osca.db")
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


@pytest.mark.model
def test_three_backends_sample_one_model_alike(osca: Osca, folder: Path):
    first = osca("run", "spec.yaml", "--json").json

    assert first["drawn"] == first["passed"] + first["failed"] == 3 * 6
    tokens = rows(
        folder,
        """SELECT c.name, p.name, s.input_tokens, s.output_tokens, s.text
        FROM cells x JOIN configurations c ON c.id = x.configuration JOIN problems p ON p.id = x.problem
        JOIN samples s ON s.request = x.request JOIN verdicts v ON v.request = x.request AND v.idx = s.idx""",
    )
    assert len(tokens) == 18
    for problem in {row[1] for row in tokens}:
        assert len({row[2] for row in tokens if row[1] == problem}) == 1  # the same prompt, counted alike
        greedy = {row[3:] for row in tokens if row[1] == problem and row[0].endswith("/0")}
        assert len(greedy) == 1  # temperature 0: the same answer from all three, counted alike

    assert osca("run", "spec.yaml", "--json").json["drawn"] == 0

    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("samples: 1", "samples: 2"))
    grown = osca("run", "spec.yaml", "--json").json
    # The embedded model is known to give one answer at temperature 0; of a server nobody knows.
    assert grown["drawn"] == 3 * 5
    assert grown["there"] == 3 * 6


@pytest.mark.model
def test_the_server_has_moved_and_nothing_is_drawn_again(osca: Osca, folder: Path):
    osca("run", "spec.yaml", "--only", "by-openai/*")
    spec = folder / "spec.yaml"
    spec.write_text(spec.read_text().replace("http://127.0.0.1", "http://localhost"))

    assert osca("run", "spec.yaml", "--only", "by-openai/*", "--json").json["drawn"] == 0
