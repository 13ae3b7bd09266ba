"""A server that fails as it is told to, with a spec that samples it."""

from pathlib import Path

import pytest

from osca_cli.run.batch_context import Polling
from tests.conftest import Osca, write_problems
from tests.faultserver.batches import Desk
from tests.faultserver.server import FaultServer, Script
from tests.run.hosted import KEY, PROBLEMS, SPEC, edit


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, osca: Osca):
    """Start a server with a script, and write a spec that samples it."""
    monkeypatch.setenv("BOX_KEY", KEY)
    monkeypatch.setattr("osca_cli.run.retries.FIRST_WAIT_S", 0.01)
    servers: list[FaultServer] = []

    def start(
        script: Script,
        kind: str = "openai",
        settings: str = "",
        limits: str = "",
        problems: int = PROBLEMS,
        timeout_s: float = 20,
    ) -> FaultServer:
        server = FaultServer(script).start()
        servers.append(server)
        write_problems(tmp_path / "sums.jsonl", problems)
        text = SPEC.format(type=kind, url=server.url, settings=settings, limits=limits, timeout_s=timeout_s)
        (tmp_path / "spec.yaml").write_text(text)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask about batches every few milliseconds."""
    polling = Polling(first_s=0.01, growth=1.5, longest_s=0.05, settle_s=0.2)
    monkeypatch.setattr("osca_cli.run.batch_context.POLLING", polling)


@pytest.fixture
def batches(serve, tmp_path):
    """Start a server that takes batches, and write a spec that draws by them."""

    def start(kind: str = "openai", desk: Desk | None = None, limits: str = "", settings: str = "") -> Desk:
        desk = desk or Desk()
        desk.server = serve(desk, kind, f"batch: true\n    {settings}", limits)
        edit(tmp_path / "spec.yaml", "output: 2000", "output: 2000, batch: 0.5")
        return desk

    return start
