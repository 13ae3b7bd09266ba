import hashlib
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_backends.gguf import NotGGUFError, metadata_keys, sha256

STRING, ARRAY = 8, 9
WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def array(item: int, values: list[bytes]) -> bytes:
    return struct.pack("<IQ", item, len(values)) + b"".join(values)


scalars = st.sampled_from(sorted(WIDTHS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.binary(min_size=WIDTHS[kind], max_size=WIDTHS[kind]))
)
strings = st.tuples(st.just(STRING), st.text(max_size=20).map(text))
arrays = st.lists(st.text(max_size=5).map(text), max_size=5).map(
    lambda values: (ARRAY, array(STRING, values))
)
nested = st.lists(st.binary(min_size=2, max_size=2), max_size=3).map(
    lambda values: (ARRAY, array(ARRAY, [array(2, values), array(2, values)]))
)
files = st.dictionaries(
    st.text(min_size=1, max_size=20), st.one_of(scalars, strings, arrays, nested), max_size=6
)


def encode(entries: dict[str, tuple[int, bytes]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries))
    return head + b"".join(
        text(key) + struct.pack("<I", kind) + value for key, (kind, value) in entries.items()
    )


@given(entries=files)
def test_all_keys_are_read_whatever_their_values(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    path.write_bytes(encode(entries))
    assert metadata_keys(path) == entries.keys()


@given(entries=files, cut=st.floats(0, 1), junk=st.binary(max_size=40))
def test_damage_is_told_as_such_and_never_crashes(tmp_path_factory, entries, cut, junk):
    whole = encode(entries)
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    path.write_bytes(whole[: int(cut * len(whole))] + junk)
    with suppress(NotGGUFError):
        assert metadata_keys(path) is not None


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04 a zip archive", b"<html>not found</html>"])
def test_another_kind_of_file_is_no_gguf(tmp_path: Path, content: bytes):
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(NotGGUFError, match="is not a GGUF file"):
        metadata_keys(path)


def test_arrays_nested_without_end_are_damage(tmp_path: Path):
    path = tmp_path / "model.gguf"
    value = struct.pack("<IQ", ARRAY, 1) * 5000
    path.write_bytes(encode({"deep": (ARRAY, value)}))
    with pytest.raises(NotGGUFError, match="damaged"):
        metadata_keys(path)


def test_the_hash_is_of_the_whole_file(tmp_path: Path):
    content = b"GGUF" + bytes(range(256)) * 10_000
    (tmp_path / "model.gguf").write_bytes(content)
    assert sha256(tmp_path / "model.gguf") == hashlib.sha256(content).hexdigest()
