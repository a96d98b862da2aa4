"""How much of the device's speed a training uses, and what it waits for."""

from __future__ import annotations

import math

# FLOP/s of dense products, from the makers' data sheets (NVIDIA V100, T4, A10, A100, L4, L40S,
# H100, H200; AMD MI300X; Google Cloud TPU v4, v5e, v5p, v6e). Names are those that
# torch.cuda.get_device_name() and jax.Device.device_kind give. The first that fits counts.
_HALF = ("float16", "bfloat16")
_PEAK_TFLOPS: tuple[tuple[str, dict[str, float]], ...] = (
    ("V100-SXM2", {"float16": 125.0, "float32": 15.7}),
    ("V100-PCIE", {"float16": 112.0, "float32": 14.0}),
    ("Tesla T4", {"float16": 65.0, "float32": 8.1}),
    ("A100", dict.fromkeys(_HALF, 312.0) | {"tf32": 156.0, "float32": 19.5}),
    ("NVIDIA A10", {"bfloat16": 125.0, "float16": 125.0, "tf32": 62.5, "float32": 31.2}),
    ("L40S", dict.fromkeys(_HALF, 362.0) | {"tf32": 183.0, "float32": 91.6}),
    ("NVIDIA L4", dict.fromkeys(_HALF, 121.0) | {"tf32": 60.0, "float32": 30.3}),
    ("H100 PCIe", dict.fromkeys(_HALF, 756.0) | {"tf32": 378.0, "float32": 51.0}),
    ("H100 80GB HBM3", dict.fromkeys(_HALF, 989.0) | {"tf32": 494.0, "float32": 67.0}),
    ("NVIDIA H200", dict.fromkeys(_HALF, 989.0) | {"tf32": 494.0, "float32": 67.0}),
    ("MI300X", dict.fromkeys(_HALF, 1307.0) | {"float32": 163.4}),
    ("TPU v4", {"bfloat16": 275.0}),
    ("TPU v5 lite", {"bfloat16": 197.0}),
    ("TPU v5p", {"bfloat16": 459.0}),
    ("TPU v6 lite", {"bfloat16": 918.0}),
)


def peak_flops(device_name: str, dtype: str) -> float | None:
    """Peak of a device for dense products, by its maker's data sheet.

    Args:
        device_name: Name that the device gives itself.
        dtype: `float16`, `bfloat16`, `float32`, or `tf32` for float32 products on tensor cores.

    Returns:
        FLOP/s, two for a multiply-add; None where it is not known.

    Example:
        >>> peak_flops("NVIDIA A100-SXM4-80GB", "bfloat16"), peak_flops("AMD EPYC", "float32")
        (312000000000000.0, None)
    """
    for name, tflops in _PEAK_TFLOPS:
        # "NVIDIA A10" is not the start of "NVIDIA A100" or of "NVIDIA A10G".
        head, found, tail = device_name.partition(name)
        if found and not tail[:1].isalnum() and not head[-1:].isalnum():
            return tflops[dtype] * 1e12 if dtype in tflops else None
    return None


def model_flops_utilization(flops_per_step: float, seconds: float, peak: float) -> float:
    """Arithmetic that the model needs over what the device could do in that time (MFU).

        mfu = flops_per_step / (seconds * peak)

    How to read it: 0.3 to 0.5 is good for large transformers, 0.2 for small ones; 0.05 is a run
    that waits for data, the host or memory. Blind spot: recomputed activations are no work of the
    model, and do not count.

    Args:
        flops_per_step: FLOP of the model a step: about three forward passes of what is trained.
        seconds: Time of a step.
        peak: FLOP/s of the devices together (see `peak_flops`).

    Returns:
        The share; NaN if time or peak is not above 0.

    Example:
        >>> model_flops_utilization(3e12, 0.1, 100e12)
        0.3

    Source: A. Chowdhery et al., "PaLM: Scaling Language Modeling with Pathways", 2022, appendix B.
    """
    return _over(flops_per_step, seconds * peak)


def data_wait_share(data_seconds: float, step_seconds: float) -> float:
    """Share of a step spent waiting for its batch.

    How to read it: near 0; above 0.2 the training starves, and a faster device would not help.

    Args:
        data_seconds: Wait for the next batch.
        step_seconds: The whole step, the wait included.

    Returns:
        The share; NaN if the step took no time.

    Example:
        >>> data_wait_share(0.25, 1.0)
        0.25
    """
    return _over(data_seconds, step_seconds)


def forward_backward_ratio(forward_seconds: float, backward_seconds: float) -> float:
    """Time of the forward pass over that of the backward pass.

    How to read it: about 0.5, since the backward pass does two products where the forward does one.
    More where a part runs without gradients (a target encoder), less with recomputed activations.

    Args:
        forward_seconds: Device time of the forward pass.
        backward_seconds: Device time of the backward pass.

    Returns:
        The ratio; NaN if the backward pass took no time.

    Example:
        >>> forward_backward_ratio(0.01, 0.02)
        0.5
    """
    return _over(forward_seconds, backward_seconds)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
