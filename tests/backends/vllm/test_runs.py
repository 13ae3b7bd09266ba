"""Whole runs over the stand-in for vLLM: real processes, real pipes, no model."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from osca_backends.vllm.backend import VLLM
from osca_cli.testing.backends import BackendConformance
from tests.conftest import ROOT, environment

from .conftest import SPEC, STUB

SAMPLES = 2 * 2 * 2 * 6 * 2  # models, temperatures, prompts, problems, samples of each


def rows(folder: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / "osca.db")) as connection:
        return connection.execute(query).fetchall()


def alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def test_each_model_is_loaded_once_and_every_sample_has_a_seed_of_its_own(stub, osca):
    result = osca("run", "spec.yaml")

    assert [line.split()[1] for line in stub.trace("load")] == ["large", "small"]
    draws = [line.split()[1] for line in stub.trace("draw")]
    assert draws == ["large"] * (SAMPLES // 2) + ["small"] * (SAMPLES // 2)
    assert "vllm loaded ./large (version 0.99-stub, dtype bfloat16)" in result.err
    assert not any(alive(process) for process in stub.processes())

    sent = [int(line.split()[2]) for line in stub.trace("draw")]
    assert len(set(sent)) == SAMPLES
    assert sorted(sent) == [seed for (seed,) in rows(stub.folder, "SELECT seed FROM samples ORDER BY seed")]


def test_backends_of_one_machine_take_turns(stub, osca):
    text = SPEC.replace(
        "configurations:", "  fp8: {type: vllm, engine: {quantization: fp8}}\nconfigurations:"
    )
    stub.write(text=text.replace("box/./large", "fp8/./large"))
    osca("run", "spec.yaml", "--task", "sums")

    assert [line.split(" ", 3)[3] for line in stub.trace("load")] == ["{}", '{"quantization": "fp8"}']
    by_process = [line.split()[0] for line in (stub.folder / "trace").read_text().splitlines()]
    assert by_process == sorted(by_process, key=by_process.index)


def test_a_sample_has_its_counts_and_a_run_its_engine(stub, osca):
    osca("run", "spec.yaml", "--limit", "1", "--samples", "1", "--task", "sums", "--only", "small/*")

    kept = rows(
        stub.folder, "SELECT text, finish_reason, input_tokens, output_tokens, cached_tokens FROM samples"
    )
    for text, finish_reason, given, written, cached in kept:
        assert (finish_reason, cached) == ("stop", 2)
        assert written == len(text)
        assert given > 10
    ((engines,),) = rows(stub.folder, "SELECT engines FROM runs")
    assert json.loads(engines)["box"] == {
        "engine": "vllm",
        "version": "0.99-stub",
        "dtype": "bfloat16",
        "options": "{}",
    }


def test_log_probabilities_are_kept_where_they_are_asked_for(stub, osca):
    text = SPEC.replace("max_tokens: 64", "max_tokens: 64\n    logprobs: 2")
    stub.write(text=text)
    osca("run", "spec.yaml", "--limit", "1", "--samples", "1", "--task", "sums", "--only", "small/*")

    kept = json.loads(rows(stub.folder, "SELECT logprobs FROM samples")[0][0])
    assert kept[0][:2] == ["I", -3.0]
    assert [one[1] for one in kept[0][2]] == [-1.0, -2.0]


def test_options_that_lose_nothing_share_samples_and_others_do_not(stub, osca):
    some = "run", "spec.yaml", "--task", "sums", "--only", "small/*"
    osca(*some)
    for settings in (
        ", engine: {enable_prefix_caching: false, max_num_seqs: 3, gpu_memory_utilization: 0.5}",
        ", engine: {speculative_config: {method: ngram, num_speculative_tokens: 4}}",
        ", serve: true, max_in_flight: 7",
    ):
        stub.write(settings)
        assert "0 drawn now" in osca(*some).err
    assert len(stub.trace("load", "serve")) == 1

    stub.write(", engine: {quantization: fp8}")
    assert "24 drawn now" in osca(*some).err
    assert '"quantization": "fp8"' in stub.trace("load")[-1]

    (stub.folder / "small").rename(stub.folder / "tiny")
    stub.write(text=SPEC.replace("./small", "./tiny"))
    assert "0 drawn now" in osca("run", "spec.yaml", "--task", "sums", "--only", "tiny/*").err


def test_out_of_memory_halves_the_batch_and_every_sample_comes(stub, osca):
    stub.setenv("STUB_TOGETHER", "3")
    result = osca("run", "spec.yaml", "--task", "sums", "--only", "small/*")

    assert "out of memory with 8 samples together; going on with 4" in result.err
    loads = [line.split()[2] for line in stub.trace("load")]
    assert loads[:2] == ["8", "4"]  # and with 2 where 4 samples happened to be under way together
    assert loads == ["8", "4", "2"][: len(loads)]
    assert "24 drawn now" in result.err


def test_the_server_is_started_used_and_stopped(stub, osca):
    stub.write(", serve: true, engine: {dtype: float32}")
    result = osca("run", "spec.yaml", "--task", "sums")

    assert "48 drawn now" in result.err
    assert stub.trace("load", "serve") == ["serve large 8", "serve small 8"]
    assert not any(alive(process) for process in stub.processes())


def test_a_server_that_runs_out_of_memory_is_started_with_half_the_batch(stub, osca):
    stub.write(", serve: true, engine: {max_num_seqs: 4}")
    stub.setenv("STUB_TOGETHER", "0")
    result = osca("run", "spec.yaml", "--task", "sums", "--only", "small/*")

    assert stub.trace("serve") == ["serve small 4", "serve small 2"]
    assert "24 drawn now" in result.err


@pytest.mark.parametrize("serve", ["", ", serve: true"])
def test_a_gpu_that_is_missing_or_too_small_is_told_before_anything_is_loaded(stub, osca, serve):
    stub.write(serve)
    stub.setenv("STUB_DEVICE", "")
    assert "vLLM finds no GPU here" in osca("run", "spec.yaml", code=1).err
    stub.setenv("STUB_DEVICE", "cuda")
    stub.setenv("STUB_MEMORY_GB", "0")
    assert "of weights, and vLLM may take 0.0 GB of the 1 GPU here" in osca("run", "spec.yaml", code=1).err
    assert stub.trace("load", "serve") == []


def test_what_vllm_cannot_load_is_told_with_its_reason_and_its_log(stub, osca):
    (stub.folder / "large" / "config.json").write_text('{"broken": "no such architecture"}')
    result = osca("run", "spec.yaml", code=1)

    assert "vLLM failed: ValueError: no such architecture (its log: " in result.err
    log = Path(result.err.split("its log: ")[-1].split(")")[0])
    assert "no such architecture" in log.read_text()


def test_a_prompt_that_may_pass_the_context_is_an_error_of_its_own(stub, osca):
    stub.write(", engine: {max_model_len: 70}")
    result = osca("run", "spec.yaml", "--task", "sums", code=1)

    assert "tokens and max_tokens: 64 pass the 70 that the model has room for" in result.err
    assert rows(stub.folder, "SELECT count(*) FROM samples")[0][0] == 0


def test_a_base_model_takes_no_chat(stub, osca):
    (stub.folder / "small" / "chat_template.jinja").unlink()
    result = osca("run", "spec.yaml", "--only", "small/*", code=1)

    assert "does not take this prompt: it has no chat template, so it is a base model" in result.err


def test_a_parameter_that_vllm_does_not_know_stops_the_run(stub, osca):
    stub.write(text=SPEC.replace("max_tokens: 64", "max_tokens: 64\n    extra: {temprature: 1}"))

    assert "vLLM does not take these parameters" in osca("run", "spec.yaml", code=1).err


def test_a_plan_over_two_models_is_executed(stub, osca):
    plan = (
        "allocation:\n  plans:\n    - task: sums\n"
        "      counts: {small/0.5/prompt1: 1, large/0.5/prompt1: 1, small/1.0/prompt1: 1}\n"
        "      schedule: [small/0.5/prompt1: 1, large/0.5/prompt1: 1, small/1.0/prompt1: 1]\n"
    )
    (stub.folder / "plan.yaml").write_text(SPEC % "" + plan)
    osca("run", "plan.yaml", "--problems", "more.jsonl", "--task", "sums", "--answers", "answers.jsonl")

    answers = (stub.folder / "answers.jsonl").read_text().splitlines()
    assert len(answers) == 3
    assert len(stub.trace("load")) <= 3  # all problems go on to the second model together, then to the third


def test_without_vllm_its_extra_is_named_and_everything_else_works(osca, tmp_path, monkeypatch):
    from .conftest import write_model, write_problems

    for name in [name for name in sys.modules if name.split(".")[0] == "vllm"]:
        monkeypatch.delitem(sys.modules, name)  # the stand-in that other tests have imported

    write_model(tmp_path / "small", "x")
    write_model(tmp_path / "large", "y")
    write_problems(tmp_path / "sums.jsonl", 3)
    write_problems(tmp_path / "more.jsonl", 3, start=10)
    (tmp_path / "spec.yaml").write_text(SPEC % "")

    osca("validate", "spec.yaml")
    osca("run", "spec.yaml", "--dry-run")
    assert "pip install 'osca[vllm]'" in osca("run", "spec.yaml", code=1).err


@pytest.mark.parametrize("serve", ["", ", serve: true"])
def test_a_run_that_is_killed_leaves_no_process_and_goes_on(stub, osca, serve):
    stub.write(serve + ", max_in_flight: 2")
    env = environment(STUB_TRACE=str(stub.folder / "trace"), OSCA_CACHE=str(stub.folder), STUB_DELAY_S="0.2")
    env["PYTHONPATH"] += os.pathsep + str(STUB)
    run = subprocess.Popen(
        [sys.executable, "-m", "osca_cli", "run", "spec.yaml"],
        cwd=stub.folder,
        env=env,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(stub.trace("draw")) > 4)
    run.send_signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not any(alive(process) for process in stub.processes()))

    kept = rows(stub.folder, "SELECT count(*) FROM samples")[0][0]
    assert kept > 0
    assert f"{SAMPLES - kept} drawn now, {kept} already" in osca("run", "spec.yaml").err


def wait_until(condition, limit_s=30):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


class TestConformance(BackendConformance):
    model = "./small"
    missing_model = "./none"

    @pytest.fixture(autouse=True)
    def _stub(self, stub):
        self.folder = stub.folder

    def backend(self, site):
        return VLLM({}, site)


def test_the_stand_in_is_not_shipped():
    assert ROOT / "tests" in STUB.parents
