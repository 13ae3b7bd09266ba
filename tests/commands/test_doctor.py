"""`osca doctor` says what is there and what is missing, and never a key."""

import socket

from tests.conftest import write_problems

SPEC = """\
version: 1
backends: {{box: {{type: openai, base_url: "{url}/v1", api_key_env: BOX_KEY}}}}
tasks: [{{name: sums, problems: {{source: jsonl, path: sums.jsonl}}, verifier: {{type: number}}}}]
configurations: [{{name: one, model: box/tiny, prompt: "{{{{ question }}}}"}}]
"""
KEY = "sk-test-0123456789abcdefghij"


def test_without_a_spec_it_tells_what_is_installed(osca):
    facts = osca("doctor", "--json").json["facts"]

    assert facts["backend openai"] == facts["backend anthropic"] == facts["backend llama_cpp"] == "ready"
    if facts["package vllm"] == "not installed":
        assert facts["backend vllm"] == "needs its engine: pip install 'osca[vllm]'"
    assert facts["key OPENAI_API_KEY"] == "is not set"
    assert facts["package openai"].split(".")[0].isdigit()
    assert "number" in facts["verifiers"]


def test_of_a_spec_it_tells_which_key_is_missing_and_which_server_answers(osca, tmp_path, monkeypatch):
    server = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{server.getsockname()[1]}"
    write_problems(tmp_path / "sums.jsonl", 2)
    (tmp_path / "spec.yaml").write_text(SPEC.format(url=f"http://{host}"))

    told = osca("doctor", "spec.yaml", code=1)
    assert "is not set, and needed" in told.out

    monkeypatch.setenv("BOX_KEY", KEY)
    told = osca("doctor", "spec.yaml")
    assert "key BOX_KEY" in told.out
    assert KEY not in told.out + told.err

    server.close()
    assert "does not answer" in osca("doctor", "spec.yaml", "--json", code=1).json["servers"][host]
