"""Which device, engine and precision a run gets, without importing torch where none is needed.

Owns the choice. It asks the cheapest witness first: on most machines a look at torch's
version and for a driver shows that there is no GPU, and then OpenVINO runs the model and
torch is never imported.
"""

import importlib.util
import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from vidtag.models.refusals import refuse, wrong_option

Engine = Literal["torch", "openvino"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]

ENGINES: tuple[Engine, ...] = ("torch", "openvino")
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "fp16", "int8")

_DEVICE = re.compile(r"cpu|cuda(:\d{1,3})?|mps")

_NVIDIA_DRIVER = (
    "/proc/driver/nvidia/version",  # Linux
    "/dev/nvidiactl",  # Linux in a container
    "/dev/dxg",  # Windows Subsystem for Linux
    "/dev/kfd",  # AMD's ROCm, which torch calls cuda too
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a model runs on."""

    device: str
    """`cpu`, `cuda:0`, `mps`, …"""

    engine: Engine
    """What runs it."""

    engine_is_a_wish: bool
    """Whether the engine was asked for by name; if not, another may take its place."""

    precision: Precision
    """What it computes in."""


def choose(model: str, *, device: str, engine: str, precision: str) -> Plan:
    """Settle device, engine and precision from what the user asked for and what is there.

    Raises:
        ModelOptionError: They are unknown or do not go together.
        ModelLoadError: The device or the package is not there.
    """
    check_words(model, device, engine, precision)
    if engine == "openvino" and device not in ("auto", "cpu"):
        raise wrong_option(
            model,
            "bad_device",
            f"the openvino engine runs on the CPU, not on {device}; leave out --engine or --device",
        )
    if precision == "int8":
        if engine == "torch" or device not in ("auto", "cpu"):
            raise wrong_option(
                model,
                "bad_precision",
                "int8 is for the openvino engine on the CPU; leave out --engine and --device",
            )
        device, engine = "cpu", "openvino"
    place = _place(model, device, engine)
    if place != "cpu":
        _need(model, "torch")
        return Plan(
            device=place,
            engine="torch",
            engine_is_a_wish=engine == "torch",
            precision=_gpu_precision(model, place, precision),
        )
    chosen: Engine
    if engine == "auto":
        chosen = "openvino" if importlib.util.find_spec("openvino") else "torch"
    else:
        chosen = "openvino" if engine == "openvino" else "torch"
    _need(model, chosen)
    return Plan(
        device="cpu",
        engine=chosen,
        engine_is_a_wish=engine != "auto",
        precision=_cpu_precision(model, precision),
    )


def check_words(model: str, device: str, engine: str, precision: str) -> None:
    """Refuse names of devices, engines and precisions that are none.

    Raises:
        ModelOptionError: One of them is unknown.
    """
    if device != "auto" and not _DEVICE.fullmatch(device):
        raise wrong_option(
            model, "bad_device", f"unknown device {device!r}; auto, cpu, cuda, cuda:1 or mps"
        )
    if engine not in ("auto", *ENGINES):
        raise wrong_option(model, "bad_engine", f"unknown engine {engine!r}; auto, torch, openvino")
    if precision not in ("auto", *PRECISIONS):
        raise wrong_option(
            model,
            "bad_precision",
            f"unknown precision {precision!r}; auto, fp32, bf16, fp16 or int8",
        )


def _need(model: str, package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise refuse(
            model,
            "missing_package",
            f"the {package} engine needs the package {package}; `pip install {package}`",
        )


def _place(model: str, device: str, engine: str) -> str:
    """Find the device that was asked for, or the best one."""
    if device == "cpu" or engine == "openvino":
        return "cpu"
    if device == "mps":
        if not _has_mps():
            raise refuse(model, "missing_device", "there is no MPS device here; try --device cpu")
        return "mps"
    if device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        count = _count_cuda()
        if index >= count:
            there = f"only {count} (from cuda:0)" if count else f"none: {_why()}"
            raise refuse(
                model,
                "missing_device",
                f"no CUDA device {index}; there is {there}; try --device cpu",
            )
        return f"cuda:{index}"
    if _count_cuda():
        return "cuda:0"
    return "mps" if _has_mps() else "cpu"


def _torch_version() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


def may_have_cuda() -> bool:
    """Tell without importing torch whether it could find a CUDA (or ROCm) device.

    `False` is certain; `True` means that torch must be asked.
    """
    torch_version = _torch_version()
    if torch_version is None or torch_version.endswith("+cpu") or sys.platform == "darwin":
        return False
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32/nvcuda.dll").exists()
    return any(Path(sign).exists() for sign in _NVIDIA_DRIVER)


def _count_cuda() -> int:
    if not may_have_cuda():
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _has_mps() -> bool:
    if sys.platform != "darwin" or platform.machine() != "arm64" or _torch_version() is None:
        return False
    import torch

    return torch.backends.mps.is_available()


def _why() -> str:
    torch_version = _torch_version()
    if torch_version is None:
        return "torch is not installed"
    if torch_version.endswith("+cpu"):
        return f"torch {torch_version} is built for the CPU alone"
    return f"torch {torch_version} finds no driver"


def _gpu_precision(model: str, device: str, wanted: str) -> Precision:
    """Choose what a GPU computes in.

    CUDA: bf16 where the hardware has it (it has the range of fp32, so nothing overflows),
    else fp16. MPS: fp32, because only some Macs have bf16 and fp16 was never compared with
    fp32 on these models; `--precision fp16` is there for those who want it.
    """
    import torch

    if device == "mps":
        if wanted == "auto":
            return "fp32"
    else:
        has_bf16 = torch.cuda.get_device_capability(torch.device(device)) >= (8, 0)
        if wanted == "auto":
            return "bf16" if has_bf16 else "fp16"
        if wanted == "bf16" and not has_bf16:
            raise wrong_option(
                model, "bad_precision", f"{device} does not compute in bf16; try --precision fp16"
            )
    return _precision(wanted)


def _precision(wanted: str) -> Precision:
    for precision in PRECISIONS:
        if wanted == precision:
            return precision
    return "fp32"


def _cpu_precision(model: str, wanted: str) -> Precision:
    if wanted == "fp16":
        raise wrong_option(
            model, "bad_precision", "fp16 is for GPUs; on the CPU use --precision fp32 or bf16"
        )
    if wanted == "auto":
        return "bf16" if cpu_has_bf16() else "fp32"
    if wanted == "bf16" and not cpu_has_bf16():
        raise wrong_option(
            model, "bad_precision", "this CPU does not compute in bf16; use --precision fp32"
        )
    return _precision(wanted)


def cpu_lacks_int8() -> bool:
    """Tell whether the CPU has no instructions for products of 8-bit numbers (VNNI, AMX).

    There int8 is no faster: VideoMAE-base took 1.2 times the time of fp32 on an EPYC with AVX2.
    Linux says so in /proc/cpuinfo, of x86; of others nothing is known here.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"\b(avx512_vnni|avx_vnni|amx_int8)\b", cpuinfo) is None


def cpu_has_bf16() -> bool:
    """Tell whether the CPU multiplies bf16 in hardware (AVX512-BF16 or AMX).

    Linux says so in /proc/cpuinfo. Elsewhere OpenVINO is asked, if it is there.
    """
    if sys.platform == "linux":
        try:
            cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return re.search(r"\b(avx512_bf16|amx_bf16)\b", cpuinfo) is not None
    if importlib.util.find_spec("openvino") is None:
        return False
    from vidtag.models.openvino_engine import has_bf16

    return has_bf16()
