import sys
from types import SimpleNamespace

import pytest

from osca_backends.vllm.fit import Device, misfit
from osca_backends.vllm.folder import folder_hash, weights_bytes

GPU = Device("cuda", 2, 24 * 10**9)
MODEL = {"model": "org/model"}


@pytest.mark.parametrize(
    ("device", "engine", "weights"),
    [
        (GPU, {}, 20e9),
        (GPU, {}, None),
        (GPU, {"tensor_parallel_size": 2}, 40e9),
        (GPU, {"cpu_offload_gb": 10}, 30e9),
        (GPU, {"quantization": "fp8"}, 30e9),
        (Device("cpu", 1, 24 * 10**9), {}, 20e9),
    ],
)
def test_what_fits_is_loaded(device, engine, weights):
    assert misfit(device, MODEL | engine, weights) is None


@pytest.mark.parametrize(
    ("device", "engine", "weights", "said"),
    [
        (Device("", 0, 0), {}, None, "finds no GPU here, so org/model was not fetched"),
        (GPU, {"tensor_parallel_size": 4}, 1e9, "is 4, and vLLM sees 2 GPUs here"),
        (GPU, {}, 30e9, "30.0 GB of weights, and vLLM may take 21.6 GB of the 1 GPU here (24.0 GB each"),
        (GPU, {"gpu_memory_utilization": 0.5}, 20e9, "gpu_memory_utilization: 0.5"),
        (Device("cpu", 1, 24 * 10**9), {}, 30e9, "this machine has 24.0 GB of memory"),
    ],
)
def test_what_does_not_fit_is_told(device, engine, weights, said):
    assert said in misfit(device, MODEL | engine, weights)


def test_weights_are_counted_in_one_format(tmp_path):
    for name, size in (("a.safetensors", 3), ("b.safetensors", 4), ("a.bin", 7), ("config.json", 9)):
        (tmp_path / name).write_bytes(b"x" * size)

    assert weights_bytes(str(tmp_path), None) == 7


def test_the_hub_is_asked_for_sizes_and_may_be_silent(monkeypatch):
    files = [("a.safetensors", 3), ("b.safetensors", 4), ("original/a.pth", 9), ("a.bin", None)]

    class HfApi:
        def model_info(self, model, *, revision, files_metadata, timeout):
            assert files_metadata
            if model != "org/model":
                raise ConnectionError(model)
            return SimpleNamespace(
                siblings=[SimpleNamespace(rfilename=name, size=size) for name, size in files]
            )

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(HfApi=HfApi))

    assert weights_bytes("org/model", "main") == 7
    assert weights_bytes("org/other", None) is None


def test_the_hash_of_a_folder_is_that_of_what_is_read(tmp_path):
    (tmp_path / "model.safetensors").write_text("weights")
    before = folder_hash(tmp_path, tmp_path / "cache")

    (tmp_path / "README.md").write_text("words")
    assert folder_hash(tmp_path, tmp_path / "cache") == before
    (tmp_path / "tokenizer.json").write_text("{}")
    assert folder_hash(tmp_path, tmp_path / "cache") != before
