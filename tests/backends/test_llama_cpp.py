import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from osca_backends import llama_cpp, llama_engine
from osca_backends.llama_cpp import NEUTRAL, LlamaCpp
from osca_backends.models import SMOLLM2, obtain
from osca_cli.backends import cache_folder
from osca_cli.errors import RejectedError, UnavailableError
from osca_cli.model import Chat, Completion, Message, Request, Sample
from osca_cli.protocols import Site

from .conftest import TINY

ROOT = Path(__file__).resolve().parents[2]
MODEL = SMOLLM2.name
QUESTION = Chat((Message("user", "What is 2 + 3?"),))


def request(backend: LlamaCpp, prompt=QUESTION, extra=None, **parameters) -> Request:
    return Request("llama_cpp", MODEL, prompt, backend.sent({"max_tokens": 16, **parameters}), extra or {})


# What needs no model


def test_everything_that_is_sent_is_explicit():
    backend = LlamaCpp({}, Site(Path(), Path(), print))
    assert backend.sent({}) == {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "max_tokens": 512}
    assert backend.sent({"temperature": 0.2, "stop": ["\n"]})["temperature"] == 0.2
    assert backend.sent({"temperature": 0.2, "stop": ["\n"]})["stop"] == ["\n"]
    assert backend.sent({}).keys() | {"stop", "logprobs"} == backend.parameters


def test_settings_have_defaults_for_this_machine(site):
    assert LlamaCpp({}, site)._settings.threads == llama_engine.available_cpus()
    assert LlamaCpp({"threads": 4}, site)._settings == llama_engine.EngineSettings(4, 4, 2048)
    assert LlamaCpp({"threads": 1}, site).max_in_flight == 2
    assert LlamaCpp({"threads": 64}, site).max_in_flight == 8
    assert LlamaCpp({"slots": 3, "threads": 1, "context": 64}, site).max_in_flight == 3


def test_a_known_model_is_identified_without_fetching(site, news):
    assert LlamaCpp({}, site).identify(MODEL) == f"sha256:{SMOLLM2.sha256}"
    assert not news.lines
    assert not site.cache.exists()


@pytest.mark.parametrize("path", ["tiny.gguf", "./tiny.gguf", "{folder}/tiny.gguf"])
def test_a_file_is_identified_by_its_content(site, path):
    (site.folder / "tiny.gguf").write_bytes(TINY)
    identity = LlamaCpp({}, site).identify(path.format(folder=site.folder))
    assert identity == f"sha256:{hashlib.sha256(TINY).hexdigest()}"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("smollm2-135m", "knows no model 'smollm2-135m'; did you mean 'smollm2-135m-instruct'? It knows"),
        ("gpt-5", "knows no model 'gpt-5'. It knows smollm2-135m-instruct, and any GGUF file by its path"),
        ("./missing.gguf", "cannot read the model file {folder}/missing.gguf: No such file or directory"),
        ("./text.gguf", "{folder}/text.gguf is not a GGUF file: it does not begin with 'GGUF'"),
        ("./cut.gguf", "{folder}/cut.gguf is a damaged GGUF file: its metadata cannot be read"),
        ("./folder/", "cannot read the model file {folder}/folder: Is a directory"),
    ],
)
def test_what_is_no_model_is_told(site, model, message):
    (site.folder / "text.gguf").write_text("hello")
    (site.folder / "cut.gguf").write_bytes(TINY[:40])
    (site.folder / "folder").mkdir()
    with pytest.raises(UnavailableError) as caught:
        LlamaCpp({}, site).identify(model)
    assert message.format(folder=site.folder) in str(caught.value)


def test_part_of_a_split_model_is_refused(site):
    (site.folder / "big-00001-of-00003.gguf").write_bytes(TINY)
    with pytest.raises(UnavailableError, match=r"one of 3 parts.*merge them"):
        LlamaCpp({}, site).identify("./big-00001-of-00003.gguf")


def test_without_the_engine_the_message_says_what_to_install(site, monkeypatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    backend = LlamaCpp({}, site)
    with pytest.raises(UnavailableError, match=r"pip install 'osca\[local\]'"):
        backend.provenance()
    with pytest.raises(UnavailableError, match=r"pip install 'osca\[local\]'"):
        anyio.run(backend.draw, MODEL, request(backend), [1])


def test_a_file_that_the_engine_cannot_load_is_told_and_nothing_else_printed(site, capfd):
    (site.folder / "tiny.gguf").write_bytes(TINY)
    backend = LlamaCpp({"slots": 1}, site)
    with pytest.raises(UnavailableError, match=r"llama\.cpp cannot load .*tiny\.gguf: the file is damaged"):
        anyio.run(backend.draw, "tiny.gguf", request(backend), [1])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["seed", "n", "stream", "messages"])
def test_extra_cannot_replace_what_osca_sets(site, name):
    backend = LlamaCpp({}, site)
    with pytest.raises(RejectedError, match=f"extra: {name}: osca sets this itself"):
        anyio.run(backend.draw, MODEL, request(backend, extra={name: 1}), [1])


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
    ],
)
def test_a_containers_quota_bounds_the_threads(tmp_path, files, quota):
    (tmp_path / "cpu").mkdir()
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    assert llama_engine._quota(tmp_path) == quota


# The real model


@pytest.fixture(scope="session")
def cache() -> Path:
    """The cache folder with the embedded model in it, fetched if this is the first time."""
    anyio.run(obtain, SMOLLM2, cache_folder(), lambda line: print(line, file=sys.stderr))
    return cache_folder()


@pytest.fixture
def real(cache: Path, tmp_path: Path) -> Site:
    return Site(folder=tmp_path, cache=cache, notify=print)


def drawn(backend: LlamaCpp, *requests: Request, seed: int = 1, model: str = MODEL) -> list[Sample | str]:
    """Draw one sample of each request from one loaded model; of a rejected one the message."""

    async def each() -> list[Sample | str]:
        found: list[Sample | str] = []
        for asked in requests:
            try:
                found.extend(await backend.draw(model, asked, [seed]))
            except RejectedError as error:
                found.append(str(error))
        await backend.aclose()
        return found

    return anyio.run(each)


COUNTING = Completion("1, 2, 3, 4, 5, 6, 7,")


@pytest.mark.model
def test_the_embedded_model_chats(real, capfd):
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)

    async def three() -> Sequence[Sample]:
        return await backend.draw(MODEL, request(backend, temperature=1.0), [1, 1, 2])

    sample, again, other = anyio.run(three)
    assert sample.text == again.text != other.text
    assert sample.text.strip()
    assert sample.finish_reason in {"stop", "length"}
    assert sample.input_tokens == 38
    assert 0 < sample.output_tokens <= 16
    assert 0 < sample.seconds < 60
    assert capfd.readouterr() == ("", "")
    assert backend.provenance()["engine"] == "xllamacpp"


@pytest.mark.model
def test_a_completion_is_continued_and_ends_where_told(real):
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)
    stopped, cut = drawn(
        backend,
        request(backend, COUNTING, temperature=0.0, stop=["10"]),
        request(backend, COUNTING, temperature=0.0, max_tokens=3),
    )
    assert stopped.text == " 8, 9, "
    assert stopped.finish_reason == "stop"
    assert cut.finish_reason == "length"
    assert cut.output_tokens == 3


@pytest.mark.model
@pytest.mark.parametrize("prompt", [COUNTING, Chat((Message("user", "Count to five."),))])
def test_log_probabilities_are_those_of_the_text(real, prompt):
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)
    asked = request(backend, prompt, temperature=0.0, max_tokens=4)
    plain, told = drawn(backend, asked, replace(asked, logprobs=2))
    assert plain.logprobs is None
    assert (told.text, told.output_tokens) == (plain.text, plain.output_tokens)
    assert "".join(token for token, _, _ in told.logprobs) == told.text
    assert all(top[0] == (token, logprob) and len(top) == 2 for token, logprob, top in told.logprobs)


@pytest.mark.model
def test_every_parameter_reaches_the_sampler(real):
    """At a temperature where nothing is likely twice, each cut alone leaves the likeliest token only."""
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)
    cuts = [{}, {"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}, {"temperature": 0.0}]
    free, *likeliest = drawn(
        backend, *(request(backend, COUNTING, **{"temperature": 2.0, **cut}) for cut in cuts), seed=5
    )
    assert {sample.text for sample in likeliest} == {" 8, 9, 10, 11, 1"}
    assert free.text != likeliest[0].text


@pytest.mark.model
def test_extra_goes_to_the_engine_as_it_is(real):
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)
    sample, rejected = drawn(
        backend,
        request(backend, extra={"grammar": 'root ::= "forty-two"'}),
        request(backend, extra={"grammar": "no grammar"}),
    )
    assert sample.text == "forty-two"
    assert "llama.cpp rejects the request: " in rejected
    assert "grammar" in rejected


@pytest.mark.model
def test_every_neutral_value_is_known_to_the_engine(real):
    """A name that the engine does not know would be ignored; given a wrong type, a known one is refused."""
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)
    wrong = [request(backend, max_tokens=1, extra={name: {"not": "a number"}}) for name in NEUTRAL]
    assert all(isinstance(found, str) for found in drawn(backend, *wrong))


@pytest.mark.model
def test_what_does_not_fit_the_context_is_rejected(real):
    backend = LlamaCpp({"slots": 1, "threads": 1, "context": 256}, real)
    prompt, answer = drawn(
        backend,
        request(backend, Completion("word " * 300)),
        request(backend, Completion("A story begins"), max_tokens=254, stop=["a", "e"]),
    )
    assert prompt.startswith(
        "the prompt's 301 tokens pass the context of 256; shorten it, or raise 'context:'"
    )
    assert "max_tokens: 254 pass the context of 256; lower max_tokens, or raise 'context:'" in answer


@pytest.mark.model
def test_concurrent_first_draws_load_the_model_once(real, monkeypatch):
    loads = []

    class Counted(llama_engine.Engine):
        def __init__(self, *args):
            loads.append(args)
            super().__init__(*args)

    monkeypatch.setattr(llama_cpp, "Engine", Counted)
    backend = LlamaCpp({"slots": 4, "threads": 1}, real)
    samples = []

    async def one(seed: int) -> None:
        samples.extend(await backend.draw(MODEL, request(backend, max_tokens=4), [seed]))

    async def several() -> None:
        async with anyio.create_task_group() as group:
            for seed in range(6):
                group.start_soon(one, seed)
        await backend.aclose()

    anyio.run(several)
    assert len(samples) == 6
    assert len(loads) == 1


@pytest.mark.model
def test_a_base_model_takes_completions_but_no_chat(real, cache):
    model = (
        SMOLLM2.place(cache).read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.chat_templatX", 1)
    )
    (real.folder / "base.gguf").write_bytes(model)
    del model
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)
    continued, refused = drawn(
        backend, request(backend, COUNTING, max_tokens=2), request(backend), model="base.gguf"
    )
    assert continued.output_tokens == 2
    assert "base.gguf has no chat template" in refused
    assert "completion" in refused


ENDLESS = {"ignore_eos": True}


@pytest.mark.model
def test_a_cancelled_draw_stops_generating(real):
    backend = LlamaCpp({"slots": 1, "threads": 1}, real)

    async def run() -> float:
        await backend.draw(MODEL, request(backend, max_tokens=1), [1])
        with anyio.move_on_after(0.3):
            await backend.draw(MODEL, request(backend, max_tokens=1500, extra=ENDLESS), [1])
        started = time.monotonic()
        await backend.draw(MODEL, request(backend, max_tokens=1), [1])
        await backend.aclose()
        return time.monotonic() - started

    assert anyio.run(run) < 3  # the endless one would have taken 15 s


@pytest.mark.model
def test_control_c_ends_the_process_though_a_long_generation_runs(real, cache):
    script = f"""
import anyio, time
from pathlib import Path
from osca_backends.llama_cpp import LlamaCpp
from osca_cli.model import Completion, Request
from osca_cli.protocols import Site

async def run():
    backend = LlamaCpp({{"slots": 1}}, Site(Path(), Path({str(cache)!r}), print))
    async def draw(tokens):
        sent = backend.sent({{"max_tokens": tokens}})
        asked = Request("x", "x", Completion("1, 2"), sent, {{"ignore_eos": True}})
        await backend.draw("{MODEL}", asked, [1])
    await draw(1)
    print("drawing", flush=True)
    await draw(1500)
    print("ended", flush=True)

anyio.run(run)
"""
    folders = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": folders},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "drawing\n"
        time.sleep(0.5)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert out == ""
        assert process.returncode != 0
        assert time.monotonic() - started < 5  # the generation would have taken 15 s
