import json

import pytest

from osca_backends.vllm.options import (
    OF_IDENTITY,
    SPECULATIVE,
    arguments,
    identity,
    is_exact,
    of_identity,
    sampling,
    server_arguments,
)
from osca_cli.model import Completion, Request
from osca_cli.spec.schema import schema_text

NGRAM = {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4}


def test_the_schema_says_which_options_are_part_of_identity():
    options = json.loads(schema_text())["definitions"]["vllm_engine"]["properties"]

    assert {name for name, option in options.items() if option["x-identity"] is True} == OF_IDENTITY
    assert [name for name, option in options.items() if option["x-identity"] == "unless exact"] == [
        SPECULATIVE
    ]
    for option in options.values():
        says = "Not part of identity" not in option["description"]
        assert says == bool(option["x-identity"])


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, {}),
        ({"dtype": "auto"}, {}),
        ({"dtype": "bfloat16", "max_num_seqs": 4}, {"dtype": "bfloat16"}),
        ({"tensor_parallel_size": 2, "enable_prefix_caching": False, "enforce_eager": True}, {}),
        ({"quantization": "fp8"}, {"quantization": "fp8"}),
        ({"speculative_config": NGRAM}, {}),
        ({"speculative_config": {**NGRAM, "rejection_sample_method": "block"}}, {}),
        (
            {"speculative_config": {**NGRAM, "rejection_sample_method": "synthetic"}},
            {"speculative_config": {**NGRAM, "rejection_sample_method": "synthetic"}},
        ),
        ({"extra": {"attention_backend": "X"}}, {"extra": {"attention_backend": "X"}}),
    ],
)
def test_what_changes_the_distribution_is_part_of_identity(options, kept):
    assert of_identity(options) == kept


def test_speculation_that_nobody_knows_is_not_taken_for_exact():
    assert is_exact(NGRAM)
    assert not is_exact({**NGRAM, "posterior_threshold": 0.1})


def test_identity_is_the_name_where_no_option_changes_what_is_drawn():
    hashed = {"org/model": "org/model", "./adapter": "sha256:1"}.__getitem__

    assert identity("org/model", {"max_model_len": 64}, hashed) == "org/model"
    assert (
        identity("org/model", {"quantization": "fp8", "lora": "./adapter"}, hashed)
        == 'org/model {"lora": "sha256:1", "quantization": "fp8"}'
    )


def test_options_become_arguments_of_the_engine():
    options = {"lora": "./adapter", "max_lora_rank": 8, "extra": {"seed_blocks": 1}}

    assert arguments("org/model", options) == {
        "model": "org/model",
        "enable_lora": True,
        "max_lora_rank": 8,
        "seed_blocks": 1,
    }


def test_arguments_become_a_command_line():
    engine = {"model": "a b", "enforce_eager": True, "enable_prefix_caching": False, "max_num_seqs": 4}

    assert server_arguments({**engine, SPECULATIVE: NGRAM}, name="it", lora="./x", port=1) == [
        "--served-model-name=it",
        "--host=127.0.0.1",
        "--port=1",
        "--lora-modules",
        "adapter=./x",
        "--model=a b",
        "--enforce-eager",
        "--no-enable-prefix-caching",
        "--max-num-seqs=4",
        f"--speculative-config={json.dumps(NGRAM)}",
    ]


def test_every_sampler_is_named_and_extra_goes_before_what_is_neutral():
    request = Request("vllm", "m", Completion("x"), {"temperature": 0.5}, {"repetition_penalty": 1.1})

    assert sampling(request, 7) == {
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "repetition_penalty": 1.1,
        "temperature": 0.5,
        "seed": 7,
    }
