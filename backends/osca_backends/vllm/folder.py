"""What is known of a model's files: the size of its weights, and the hash of those in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from osca_backends.remembered import remembered_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
_READ = (*_WEIGHTS, ".json", ".jinja", ".model", ".py", ".txt")
"""Endings of the files that decide what a model writes."""


def is_folder(model: str) -> bool:
    """Tell whether a model's name is a path, and not a name of the Hugging Face hub."""
    return model.startswith((".", "/", "~"))


def folder_hash(folder: Path, cache: Path) -> str:
    """Return the SHA-256 over the files of a model or adapter, names included, in hexadecimal.

    Args:
        folder: The model's folder.
        cache: Where hashes of large files are remembered.

    Raises:
        OSError: a file cannot be read.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in _READ and path.is_file())
    lines = "".join(f"{path.name} {remembered_sha256(path, cache)}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def weights_bytes(model: str, revision: str | None) -> int | None:
    """Return the bytes of a model's weights, of its folder or as the hub tells; ``None`` if nobody does."""
    if Path(model).is_dir():
        return _largest_kind((path.name, path.stat().st_size) for path in Path(model).iterdir())
    try:
        from huggingface_hub import HfApi

        found = HfApi().model_info(model, revision=revision, files_metadata=True, timeout=10)
    except Exception:  # noqa: BLE001 - offline, a private index, a name that vLLM resolves: it says what is wrong
        return None
    return _largest_kind((file.rfilename, file.size or 0) for file in found.siblings or ())


def _largest_kind(files: Iterable[tuple[str, int]]) -> int | None:
    """Add up the weights of a model that may be there in several formats: one of them is loaded."""
    sizes = dict.fromkeys(_WEIGHTS, 0)
    for name, size in files:
        suffix = Path(name).suffix
        if suffix in sizes and "/" not in name:
            sizes[suffix] += size
    return next((size for size in sizes.values() if size), None)
