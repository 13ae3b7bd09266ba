import pytest

from osca_cli.spec.secrets import looks_secret


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-" + "aB3" * 10,
        "Bearer sk-ant-api03-" + "x9_" * 10,
        "ghp_" + "a1" * 18,
        "hf_" + "Ab" * 17,
        "AKIA" + "A1" * 8,
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_keys_are_found(text):
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text", ["task-number-12345678901234567890", "sk-learn", "hf_model", "risk-" + "a1" * 20, ""]
)
def test_words_are_not(text):
    assert not looks_secret(text)
