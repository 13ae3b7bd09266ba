import hashlib
import os

import pytest

from osca_backends import remembered
from osca_backends.remembered import remembered_sha256


@pytest.fixture
def read(monkeypatch):
    """The files that were read."""
    files = []

    def sha256(path):
        files.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(remembered, "LARGE", 4)
    monkeypatch.setattr(remembered, "sha256", sha256)
    return files


def test_a_large_file_is_read_once_and_again_when_it_changed(tmp_path, read):
    path, cache = tmp_path / "model", tmp_path / "cache"
    path.write_text("weights")
    first = remembered_sha256(path, cache)
    assert remembered_sha256(path, cache) == first == hashlib.sha256(b"weights").hexdigest()
    assert len(read) == 1

    path.write_text("WEIGHTS")
    os.utime(path, ns=(1, 1))
    assert remembered_sha256(path, cache) != first
    assert len(read) == 2


def test_a_small_file_is_always_read(tmp_path, read):
    path = tmp_path / "config"
    path.write_text("{}")
    for _ in range(2):
        remembered_sha256(path, tmp_path)
    assert len(read) == 2


def test_what_is_remembered_may_be_damaged_or_unwritable(tmp_path, read):
    path = tmp_path / "model"
    path.write_text("weights")
    (tmp_path / "sha256.json").write_text("[1")
    expected = hashlib.sha256(b"weights").hexdigest()

    assert remembered_sha256(path, tmp_path) == expected
    assert remembered_sha256(path, path / "no folder") == expected
    assert remembered_sha256(path, tmp_path) == expected
    assert len(read) == 2
