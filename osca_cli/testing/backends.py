"""What every backend must do, as tests that a plug-in's author inherits.

::

    class TestMine(BackendConformance):
        model = "small"

        def backend(self, site):
            return Mine({"base_url": "http://127.0.0.1:8000"}, site)

Run by pytest, which need not be installed to import this module. A model must be there to be sampled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import ClassVar, TypeVar

import anyio

from osca_cli.errors import BackendError
from osca_cli.identity import canonical_json
from osca_cli.model import Chat, Completion, Json, Message, Prompt, Request, Sample
from osca_cli.protocols import Backend, Site

Result = TypeVar("Result")


class BackendConformance:
    """Inherit, set :attr:`model`, and make the backend in :meth:`backend`.

    Attributes:
        model: A model that the backend has.
        missing_model: A name that it has no model of; ``None`` where every name is one.
        parameters: Sampling parameters for short answers.
    """

    model: ClassVar[str]
    missing_model: ClassVar[str | None] = None
    parameters: ClassVar[Mapping[str, Json]] = {"max_tokens": 8}

    def backend(self, site: Site) -> Backend:
        """Return a new backend, ready to be asked."""
        raise NotImplementedError

    def test_it_declares_what_it_takes(self, tmp_path: Path) -> None:
        """Declared attributes have the types of the protocol."""
        backend = self.backend(_site(tmp_path))
        assert all(isinstance(name, str) for name in backend.parameters)
        assert backend.prompts
        assert backend.prompts <= {"chat", "completion"}
        assert backend.samples_per_request >= 1
        assert backend.max_in_flight >= 1
        assert isinstance(backend.deterministic_at_zero, bool)

    def test_identity_is_the_same_each_time(self, tmp_path: Path) -> None:
        """Two backends of the same settings identify a model alike, without drawing."""
        first, second = (self.backend(_site(tmp_path)).identify(self.model) for _ in range(2))
        assert first == second
        assert first

    def test_what_is_sent_keeps_what_was_asked_for(self, tmp_path: Path) -> None:
        """Defaults are added, nothing is dropped or changed, and adding them twice changes nothing."""
        backend = self.backend(_site(tmp_path))
        asked = {name: value for name, value in self.parameters.items() if name in backend.parameters}
        sent = backend.sent(asked)
        assert {name: sent[name] for name in asked} == asked
        assert canonical_json(backend.sent(sent)) == canonical_json(sent)

    def test_provenance_is_text(self, tmp_path: Path) -> None:
        """The engine is named, in texts that the pool can keep."""
        provenance = self.backend(_site(tmp_path)).provenance()
        assert "engine" in provenance
        assert json.loads(json.dumps(provenance)) == dict(provenance)

    def test_a_draw_gives_a_sample_for_a_seed(self, tmp_path: Path) -> None:
        """Every kind of prompt gives one sample for one seed, with counts that are counts."""

        async def work(backend: Backend) -> list[Sample]:
            return [await self._draw(backend, prompt, seed=1) for prompt in self._prompts(backend)]

        for sample in self._run(tmp_path, work):
            _check_sample(sample)

    def test_draws_may_be_under_way_together(self, tmp_path: Path) -> None:
        """As many draws as the backend says, at the same time, give as many samples."""

        async def work(backend: Backend) -> list[Sample]:
            prompt, samples = self._prompts(backend)[0], list[Sample]()

            async def one(seed: int) -> None:
                samples.append(await self._draw(backend, prompt, seed))

            number = min(backend.max_in_flight, 8)
            async with anyio.create_task_group() as group:
                for seed in range(number):
                    group.start_soon(one, seed)
            assert len(samples) == number
            return samples

        for sample in self._run(tmp_path, work):
            _check_sample(sample)

    def test_a_cancelled_draw_leaves_the_backend_usable(self, tmp_path: Path) -> None:
        """An interrupted run cancels what is in flight; the next draw works."""

        async def work(backend: Backend) -> Sample:
            prompt = self._prompts(backend)[0]
            with anyio.move_on_after(0.001):
                await self._draw(backend, prompt, seed=1)
            return await self._draw(backend, prompt, seed=2)

        _check_sample(self._run(tmp_path, work))

    def test_a_missing_model_is_an_error_of_the_backend(self, tmp_path: Path) -> None:
        """What cannot be had is told as a BackendError with a message."""
        missing = self.missing_model
        if missing is None:
            return

        async def work(backend: Backend) -> str:
            try:
                backend.identify(missing)
                await self._draw(backend, self._prompts(backend)[0], seed=1, model=missing)
            except BackendError as error:
                return str(error)
            return ""

        assert self._run(tmp_path, work)

    def test_closing_is_always_possible(self, tmp_path: Path) -> None:
        """Before any draw, and twice."""

        async def work(backend: Backend) -> None:
            await backend.aclose()

        self._run(tmp_path, work)

    def _prompts(self, backend: Backend) -> list[Prompt]:
        prompts: list[Prompt] = []
        if "chat" in backend.prompts:
            prompts.append(Chat((Message("system", "Be brief."), Message("user", "What is 1 + 1?"))))
        if "completion" in backend.prompts:
            prompts.append(Completion("1, 2, 3,"))
        return prompts

    async def _draw(self, backend: Backend, prompt: Prompt, seed: int, model: str | None = None) -> Sample:
        known = {name: value for name, value in self.parameters.items() if name in backend.parameters}
        name = self.model if model is None else model
        request = Request("conformance", backend.identify(name), prompt, backend.sent(known))
        samples = await backend.draw(name, request, [seed])
        assert len(samples) == 1
        return samples[0]

    def _run(self, folder: Path, work: Callable[[Backend], Awaitable[Result]]) -> Result:
        async def run() -> Result:
            backend = self.backend(_site(folder))
            try:
                return await work(backend)
            finally:
                await backend.aclose()

        return anyio.run(run)


def _site(folder: Path) -> Site:
    from osca_cli.backends import cache_folder

    return Site(folder=folder, cache=cache_folder(), notify=lambda _: None)


def _check_sample(sample: Sample) -> None:
    texts: tuple[object, ...] = (sample.text, sample.finish_reason)
    assert all(isinstance(text, str) for text in texts)
    assert sample.finish_reason
    counts: tuple[object, ...] = (
        sample.input_tokens,
        sample.output_tokens,
        sample.cached_tokens,
        sample.reasoning_tokens,
    )
    assert all(count is None or (isinstance(count, int) and count >= 0) for count in counts)
    amounts = (sample.seconds, sample.usd)
    assert all(amount is None or (math.isfinite(amount) and amount >= 0) for amount in amounts)
