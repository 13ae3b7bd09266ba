"""Our own backends pass the suite that we give to plug-in authors."""

from collections.abc import Iterator

import pytest

from osca_backends.anthropic import Anthropic
from osca_backends.llama_cpp import LlamaCpp
from osca_backends.models import SMOLLM2
from osca_backends.openai import OpenAI
from osca_cli.model import Request, Sample
from osca_cli.protocols import Backend, Site
from osca_cli.testing.backends import BackendConformance
from tests.faultserver.server import FaultServer, error
from tests.plugin.osca_scripted import Scripted


class OverServer(BackendConformance):
    model = "small"
    missing_model = "missing"

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        self.server = FaultServer(
            lambda asked: error(404, "no such model") if asked.body["model"] == "missing" else None
        ).start()
        yield
        self.server.stop()


class TestOpenAI(OverServer):
    def backend(self, site: Site) -> Backend:
        return OpenAI({"base_url": f"{self.server.url}/v1"}, site)


class TestAnthropic(OverServer):
    def backend(self, site: Site) -> Backend:
        return Anthropic({"base_url": self.server.url}, site)


@pytest.mark.model
class TestLlamaCpp(BackendConformance):
    model = SMOLLM2.name
    missing_model = "no-such-model"

    def backend(self, site: Site) -> Backend:
        return LlamaCpp({"threads": 1, "slots": 2, "context": 256}, site)


class Plain(Scripted):
    """The scripted backend, for any prompt: its own hold their answers."""

    def _sample(self, model: str, request: Request, seed: int) -> Sample:
        return Sample("It is 2.", "stop", input_tokens=4, output_tokens=3, seconds=0.1)


class TestAConformingPlugin(BackendConformance):
    model = "small"
    missing_model = "missing"

    def backend(self, site: Site) -> Backend:
        return Plain({}, site)


class Dropping(Plain):
    """Forgets a parameter."""

    def sent(self, parameters):
        return {"temperature": 1}


class TestTheSuiteFindsFaults:
    def test_a_dropped_parameter(self, tmp_path):
        class Suite(BackendConformance):
            model = "small"

            def backend(self, site: Site) -> Backend:
                return Dropping({}, site)

        with pytest.raises((AssertionError, KeyError)):
            Suite().test_what_is_sent_keeps_what_was_asked_for(tmp_path)
