"""The identity of a sample: pinned to the byte, since a change would draw every sample again."""

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.identity import canonical_json, digest, draw_seed, request_hash, request_identity, sample_key
from osca_cli.model import Chat, Completion, Message, Request

REQUEST = Request(
    provider="llama_cpp",
    model="sha256:b179",
    prompt=Chat((Message("system", "Be terse."), Message("user", "What is 2 + 3? é"))),
    parameters={"temperature": 0.8, "top_p": 1.0, "max_tokens": 64, "stop": ["\n"]},
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_golden_bytes_of_a_chat_request():
    assert canonical_json({**request_identity(REQUEST), "index": 3}) == (
        '{"extra":{},"index":3,"key":1,"model":"sha256:b179","parameters":{"max_tokens":64,"stop":["\\n"],'
        '"temperature":0.8,"top_p":1},"prompt":{"messages":[{"content":"Be terse.","role":"system"},'
        '{"content":"What is 2 + 3? é","role":"user"}]},"provider":"llama_cpp","revision":null}'
    )


def test_golden_keys():
    completion = Request("openai", "m", Completion("Q: 1\nA:"), {"temperature": 0}, {"x": [1]}, "2026-11")

    assert sample_key(REQUEST, 3) == "e2d8a13698937feeb0b9b819de3bc5642fb036b01c5491a5d66112a5ac67da4e"
    assert request_hash(REQUEST) == "df2bf8c0a25d5673d863c6060779386b9642252dfbe63c9609e1883dee4de164"
    assert sample_key(completion, 0) == "5f59a72b5891372f4c4e1d2be7335317f1a82120310f5de39c3a07f7624e2f4c"
    assert draw_seed(0, sample_key(REQUEST, 3)) == 1191735395


def test_a_key_is_the_sha256_of_the_canonical_json():
    text = canonical_json({**request_identity(REQUEST), "index": 0})

    assert sample_key(REQUEST, 0) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "other"},
        {"model": "sha256:b17a"},
        {"prompt": Completion("What is 2 + 3? é")},
        {"parameters": {**REQUEST.parameters, "max_tokens": 65}},
        {"extra": {"grammar": "x"}},
        {"revision": "2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_the_distribution_changes_the_key(change):
    fields = {name: getattr(REQUEST, name) for name in Request.__dataclass_fields__}

    assert request_hash(Request(**{**fields, **change})) != request_hash(REQUEST)


def test_neither_the_order_of_parameters_nor_the_spelling_of_a_number_changes_the_key():
    same = Request(
        REQUEST.provider,
        REQUEST.model,
        REQUEST.prompt,
        {"stop": ("\n",), "max_tokens": 64.0, "top_p": 1, "temperature": 0.80},
    )

    assert request_hash(same) == request_hash(REQUEST)


@given(json_values)
def test_canonical_json_means_the_same(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value):
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


@given(st.text(st.characters(), max_size=20))
def test_any_text_has_a_digest(text):
    assert len(digest(text)) == 64


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_json_cannot_write_is_refused(number):
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": number})


@given(st.integers(0, 2**63), st.text())
def test_seeds_have_31_bits(seed, key):
    assert 0 <= draw_seed(seed, key) < 2**31


def test_seeds_differ_by_run_and_by_sample():
    keys = [sample_key(REQUEST, index) for index in range(200)]

    assert len({draw_seed(seed, key) for seed in (0, 1) for key in keys}) == 400
