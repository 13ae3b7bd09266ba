"""Small GGUF files, and a package that holds one, as an installer finds it."""

import hashlib
import importlib.util
import os
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from osca_backends.models import KnownModel
from osca_cli.protocols import Site

STRING = 8


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(*entries: tuple[str, int, bytes]) -> bytes:
    """A GGUF file without tensors: header and entries, each a key, a type and an encoded value."""
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries))
    return head + b"".join(text(key) + struct.pack("<I", kind) + value for key, kind, value in entries)


TINY = gguf(("general.name", STRING, text("tiny")), ("general.architecture", STRING, text("llama")))


@dataclass
class News:
    """What a user was told."""

    lines: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def news() -> News:
    return News()


@pytest.fixture
def site(tmp_path: Path, news: News) -> Site:
    return Site(folder=tmp_path, cache=tmp_path / "cache", notify=news)


@pytest.fixture
def tiny() -> KnownModel:
    return KnownModel(
        name="tiny",
        requirement="osca-tiny-model==1.0",
        file="osca_tiny_model/tiny.gguf",
        size=len(TINY),
        sha256=hashlib.sha256(TINY).hexdigest(),
    )


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with the wheel of the tiny model."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, TINY)
    return folder


def write_wheel(folder: Path, model: bytes) -> None:
    info = "osca_tiny_model-1.0.dist-info"
    contents = {
        "osca_tiny_model/tiny.gguf": model,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: osca-tiny-model\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*contents, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / "osca_tiny_model-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in {**contents, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(name, content)


@pytest.fixture
def local_index(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> Path:
    """Have pip and uv see nothing but the folder of wheels."""
    no_index(monkeypatch)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    return wheels


@pytest.fixture
def dead_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pip find no index where it looks: the port of discard, where nobody listens."""
    no_index(monkeypatch)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")


def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")


@pytest.fixture
def with_pip() -> None:
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this environment has no pip")
