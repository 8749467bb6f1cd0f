"""Which files of a folder are a model's weights, and what they hold by their headers.

Owns the names that transformers looks for, indexes and their shards, and what is said where
something else was found. Reads headers alone: no torch, no tensor, no pickle is run. Nothing
outside of the folder is ever named.
"""

import json
import pickletools
import re
import zipfile
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path, PureWindowsPath
from typing import Any

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""In the order in which transformers looks for them."""

INDEX_SUFFIX = ".index.json"
"""What the name of a list of shards ends in."""

_LFS_HEAD = b"version https://git-lfs.github.com/spec/"
"""Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""

_LARGEST_POINTER = 1024
"""Source: the same; a pointer is smaller than this."""

_LARGEST_HEADER = 100_000_000
"""Source: safetensors' own limit, `MAX_HEADER_SIZE`."""

_LARGEST_PICKLE = 64 << 20
"""Of names and shapes alone; that of VideoMAE-huge takes 90 kB."""

_FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
"""What safetensors calls the types of numbers that stand for themselves."""

_QUANTISED_STORAGES = {
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "float8_e4m3fn": "float8",
    "float8_e5m2": "float8",
}
"""What torch's pickles call those that don't."""

_OF_TRAINING = (
    "optimizer.*",
    "scheduler.pt",
    "rng_state*.pth",
    "scaler.pt",
    "training_args.bin",
    "*.index.json",
)
"""What the Trainer writes beside weights, and lists of shards."""

_FOREIGN: Sequence[tuple[tuple[str, ...], str, str]] = (
    (("*.onnx", "*.ort"), "ONNX", ""),
    (("openvino_model.*", "*.xml"), "OpenVINO", ""),
    (("*.h5", "*.keras", "saved_model.pb"), "TensorFlow", ""),
    (("*.msgpack",), "Flax", ""),
    (("*.npz", "*.npy"), "NumPy", ""),
    (("*.gguf",), "GGUF", ""),
    (("*.tflite",), "TensorFlow Lite", ""),
    (("*.engine", "*.plan"), "TensorRT", ""),
    (("*.pt2", "*.torchscript"), "TorchScript", ""),
    (("*.mlmodel", "*.mlpackage"), "Core ML", ""),
    (
        ("*.distcp", "pytorch_model_fsdp*"),
        "sharded by FSDP",
        "merge them with `accelerate merge-weights`",
    ),
    (("zero_to_fp32.py",), "DeepSpeed", "merge its shards with that script"),
    (
        ("model-*-of-*.safetensors", "pytorch_model-*-of-*.bin"),
        "shards without their list",
        "get model.safetensors.index.json or pytorch_model.bin.index.json, too",
    ),
    (("*.safetensors",), "under another name", "call it model.safetensors"),
    (
        ("*.pt", "*.pth", "*.ckpt", "*.tar", "*.pkl", "*.bin"),
        "a PyTorch checkpoint of its own kind",
        "",
    ),
)
"""Names of files, what they are, and what to do with them."""

_GET_THESE = "get it as model.safetensors, with transformers' `save_pretrained`"


class ShardError(ValueError):
    """A list of shards that can't be followed; says why."""


def find_weights(folder: Path) -> tuple[Path, ...]:
    """List the weights files that transformers would load: one, or an index and its shards.

    Returns:
        Nothing where there are none, or where some of the shards are missing.
    """
    for name in WEIGHTS:
        single, index = folder / name, folder / f"{name}{INDEX_SUFFIX}"
        if single.is_file():
            return (single,)
        if index.is_file():
            try:
                shards = tuple(folder / shard for shard in read_shards(index))
            except ShardError:
                return ()
            return (index, *shards) if all(shard.is_file() for shard in shards) else ()
    return ()


def read_shards(index: Path) -> list[str]:
    """Read the names of the files that an index lists.

    Raises:
        ShardError: It can't be read, or names something outside of its folder.
    """
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ShardError(f"its list of shards, {index.name}, can't be read") from exc
    for name in names:
        if not isinstance(name, str) or not is_inside(name):
            raise ShardError(
                f"its list of shards, {index.name}, names {str(name)[:80]!r}, "
                "which is no file inside of its folder"
            )
    if not names:
        raise ShardError(f"its list of shards, {index.name}, is empty")
    return sorted(names)


def is_inside(name: str) -> bool:
    """Tell whether a relative name leads to a file inside of its folder, on every system.

    >>> is_inside("model-00001-of-00002.safetensors"), is_inside("../x"), is_inside("/etc/passwd")
    (True, False, False)
    """
    windows = PureWindowsPath(name)  # takes / for \\, as Windows does
    parts = windows.parts
    return bool(parts) and not windows.anchor and ".." not in parts and "\0" not in name


def why_no_weights(folder: Path) -> str:
    """Say what is missing of a folder's weights, and what is there instead."""
    for name in WEIGHTS:
        index = folder / f"{name}{INDEX_SUFFIX}"
        if (folder / name).is_symlink() and not (folder / name).exists():
            return f"its {name} is a link to a file that is gone; put the file itself there"
        if (folder / name).exists():
            return f"its {name} is no regular file; put the file itself there"
        if index.is_file():
            try:
                shards = read_shards(index)
            except ShardError as exc:
                return f"{exc}; download it again"
            return _missing_shards(shards, [s for s in shards if not (folder / s).is_file()])
    try:
        # Exports for ONNX lie in a subfolder.
        paths = [*folder.iterdir(), *folder.glob("*/*.onnx")]
        there = [path.relative_to(folder).as_posix() for path in paths]
    except OSError:
        there = []
    return no_weights_among(there)


def _missing_shards(shards: Sequence[str], missing: Sequence[str]) -> str:
    count = f"{len(missing)} of the {len(shards)} files of its weights"
    verb = "is" if len(missing) == 1 else "are"
    return f"{count} {verb} missing ({list_some(missing)}); download it again"


def no_weights_among(names: Iterable[str]) -> str:
    """Say that there are no weights among these files, and what there is instead."""
    sought = f"{WEIGHTS[0]} or {WEIGHTS[1]}"
    found = foreign_among(names)
    return f"there is no {sought}{f', but {found}' if found else ''}"


def foreign_among(names: Iterable[str]) -> str | None:
    """Name weights in formats that vidtag does not read, and what to do with them."""
    own = (*_OF_TRAINING, *WEIGHTS)
    left = sorted(name for name in names if not any(fnmatch(name, pattern) for pattern in own))
    for patterns, kind, advice in _FOREIGN:
        found = [name for name in left if any(fnmatch(name, pattern) for pattern in patterns)]
        if found:
            return f"{list_some(found)} ({kind}); {advice or _GET_THESE}"
    return None


def list_some(names: Sequence[str], most: int = 3) -> str:
    """Write names as a short list.

    >>> list_some(["a", "b", "c", "d"])
    'a, b, c, …'
    """
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])


def stands_for_a_file(path: Path, from_hub: bool = False) -> str | None:
    """Say where a file is only a stand-in for the one that should be there.

    Args:
        path: The file.
        from_hub: It came from the hub as it is, so that its owner alone can help.

    Returns:
        What it is and what to do; `None` where it seems to be what it should.
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            head = file.read(_LARGEST_POINTER)
    except OSError:
        return None
    if head.startswith(_LFS_HEAD):
        size = re.search(rb"^size (\d{1,18})$", head, re.MULTILINE)
        about = f" (of {format_bytes(int(size[1]))})" if size else ""
        advice = (
            "its owner has to upload the file; try another --revision"
            if from_hub
            else "run `git lfs install && git lfs pull` in that folder"
        )
        return f"its {path.name} is a Git LFS pointer, not the file itself{about}; {advice}"
    if re.match(rb"\s*(<!doctype html|<html)", head, re.IGNORECASE):
        return (
            f"its {path.name} is a web page, not the file itself; download it again by its "
            "download link (/resolve/ where the address has /blob/)"
        )
    return None


def format_bytes(count: int) -> str:
    """Write a size as a person reads it.

    >>> format_bytes(346_161_616), format_bytes(1_230_000_000), format_bytes(900)
    ('346 MB', '1.2 GB', '1 kB')
    """
    if count >= 1_000_000_000:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1_000_000 else f"{max(1, round(count / 1e3))} kB"


def read_tensor_names(weights: Sequence[Path]) -> frozenset[str]:
    """Read the names of all tensors from headers and indexes.

    Returns:
        Nothing where a file's names can't be read without running it.
    """
    names: set[str] = set()
    for path in weights:
        if path.name.endswith(INDEX_SUFFIX):
            continue
        found = _safetensors_names(path) if path.suffix == ".safetensors" else _pickle_names(path)
        if not found:
            return frozenset()
        names |= found
    return frozenset(names)


def count_outputs(weights: Sequence[Path]) -> int | None:
    """Count the scores that a classifier's head gives; `None` where headers don't tell."""
    for path in weights:
        if path.suffix == ".safetensors":
            try:
                return int(_read_header(path)[0]["classifier.weight"]["shape"][0])
            except (OSError, ValueError, TypeError, LookupError, RecursionError):
                continue
    return None


def find_damage(path: Path) -> str | None:
    """Say what is wrong with a safetensors file by its header and size; `None` if nothing is."""
    if path.suffix != ".safetensors":
        return None
    try:
        header, num_bytes = _read_header(path)
        ends = [int(one["data_offsets"][1]) for one in header.values()]
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError):
        return "its header can't be read"
    return None if max(ends, default=0) == num_bytes else "it was cut off"


def find_quantised(path: Path) -> str | None:
    """Name the type of numbers that stand for others by a scale; `None` where there are none.

    Such numbers load like any others, and nobody would see that the scales are left out.
    """
    if path.name.endswith(INDEX_SUFFIX):
        return None
    if path.suffix != ".safetensors":
        words = {word.rpartition(" ")[2] for word in _pickle_words(path)}
        return next((kind for name, kind in _QUANTISED_STORAGES.items() if name in words), None)
    try:
        tensors = _read_header(path)[0]
    except (OSError, ValueError, RecursionError):
        return None
    for name, tensor in sorted(tensors.items()):
        if "weight" in name.rpartition(".")[2] and tensor.get("dtype") not in _FLOATS:
            return str(tensor.get("dtype"))
    return None


def _safetensors_names(path: Path) -> set[str]:
    try:
        return set(_read_header(path)[0])
    except (OSError, ValueError, RecursionError):
        return set()


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Read what a safetensors file says of its tensors, and how many bytes these have.

    Source: https://github.com/huggingface/safetensors#format
    """
    num_bytes = path.stat().st_size
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > min(_LARGEST_HEADER, num_bytes - 8):
            raise ValueError("too long")
        header = json.loads(file.read(size))
    if not isinstance(header, dict):
        raise ValueError("no object")
    header.pop("__metadata__", None)
    return header, num_bytes - 8 - size


def _pickle_names(path: Path) -> set[str]:
    return {word for word in _pickle_words(path) if "." in word and " " not in word}


def _pickle_words(path: Path) -> set[str]:
    """Read the words of a zipped state dict's pickle, which is not run."""
    try:
        with zipfile.ZipFile(path) as archive:
            [member] = [m for m in archive.infolist() if m.filename.endswith("/data.pkl")]
            if member.file_size > _LARGEST_PICKLE:
                return set()
            opcodes = pickletools.genops(archive.read(member))
            return {word for _, word, _ in opcodes if isinstance(word, str)}
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
        return set()  # a pickle of the old kind, or none at all: torch says more
