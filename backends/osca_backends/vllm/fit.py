"""Whether a model fits the machine, told before anything is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARE = 0.9  # of a GPU's memory that vLLM takes unless told


@dataclass(frozen=True, slots=True)
class Device:
    """What vLLM computes on.

    Attributes:
        type: ``cuda``, ``rocm``, ``cpu``…; empty where vLLM found nothing that it can use.
        count: How many there are.
        memory: Bytes of one of them.
    """

    type: str
    count: int
    memory: int


def misfit(device: Device, engine: Mapping[str, Any], weights: int | None) -> str | None:
    """Return why a model cannot be loaded, or ``None`` where it can or nobody knows yet.

    Args:
        device: What there is.
        engine: The arguments of vLLM's engine.
        weights: Bytes of the model's weights, where known.
    """
    model = engine["model"]
    if not device.type:
        return (
            f"vLLM finds no GPU here, so {model} was not fetched. Is the driver there (nvidia-smi), and may "
            "this process see the GPU? On a machine without one use llama_cpp, or vLLM's build for the CPU"
        )
    if device.type == "cpu":
        return _misfit_of_cpu(device, model, weights)
    needed = int(engine.get("tensor_parallel_size", 1)) * int(engine.get("pipeline_parallel_size", 1))
    if needed > device.count:
        return (
            f"tensor_parallel_size x pipeline_parallel_size is {needed}, and vLLM sees {_gpus(device.count)} "
            "here; lower them, or let this process see more (CUDA_VISIBLE_DEVICES)"
        )
    share = float(engine.get("gpu_memory_utilization", _SHARE))
    room = needed * (share * device.memory + float(engine.get("cpu_offload_gb", 0)) * 2**30)
    quantized_on_loading = "quantization" in engine  # then the files are larger than what is loaded
    if weights is None or quantized_on_loading or weights < room:
        return None
    return (
        f"{model} has {_gb(weights)} of weights, and vLLM may take {_gb(room)} of the {_gpus(needed)} here "
        f"({_gb(device.memory)} each, gpu_memory_utilization: {share:g}); take a smaller or a quantized "
        "model, or more GPUs (engine: {tensor_parallel_size: …}). Nothing was fetched"
    )


def _misfit_of_cpu(device: Device, model: str, weights: int | None) -> str | None:
    if weights is None or weights < device.memory:
        return None
    return (
        f"{model} has {_gb(weights)} of weights, and this machine has {_gb(device.memory)} of memory; "
        "take a smaller model. Nothing was fetched"
    )


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"
