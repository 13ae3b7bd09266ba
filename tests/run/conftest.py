"""A server that fails as it is told to, with a spec that samples it."""

from pathlib import Path

import pytest

from tests.conftest import Osca, write_problems
from tests.faultserver.server import FaultServer, Script
from tests.run.hosted import KEY, PROBLEMS, SPEC


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, osca: Osca):
    """Start a server with a script, and write a spec that samples it."""
    monkeypatch.setenv("BOX_KEY", KEY)
    monkeypatch.setattr("osca_cli.run.retries.FIRST_WAIT_S", 0.01)
    servers: list[FaultServer] = []

    def start(
        script: Script, kind: str = "openai", settings: str = "", limits: str = "", problems: int = PROBLEMS
    ) -> FaultServer:
        server = FaultServer(script).start()
        servers.append(server)
        write_problems(tmp_path / "sums.jsonl", problems)
        text = SPEC.format(type=kind, url=server.url, settings=settings, limits=limits)
        (tmp_path / "spec.yaml").write_text(text)
        return server

    yield start
    for server in servers:
        server.stop()
