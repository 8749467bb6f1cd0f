"""Whether weights and config can belong together, looked at before anything is loaded.

Before anything is built, a config is held against what its weights can hold by their headers and
their size, so that a damaged number is refused at once. Imports neither torch nor transformers;
what these say of a model is the business of `misfits`.
"""

from collections.abc import Sequence
from pathlib import Path

from vidtag.errors import ModelError
from vidtag.models.config import ModelConfig
from vidtag.models.cost import model_cost
from vidtag.models.folders import advise_checkpoint
from vidtag.models.refusals import refuse
from vidtag.models.source import ModelFiles
from vidtag.models.weights import (
    INDEX_SUFFIX,
    WEIGHTS,
    ShardError,
    find_damage,
    find_quantised,
    find_weights,
    format_bytes,
    read_shards,
    read_tensor_names,
    stands_for_a_file,
    why_no_weights,
)

_MOST_LAYERS = 1000
"""Where the names of tensors can't be read; the deepest video classifiers have 48."""

_MOST_NUMBERS = 1 << 28
"""Of one layer's tokens (1 GB in float32); VideoMAE-huge has 2 million, V-JEPA 2 g/384 13."""

_TOO_LITTLE_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "Cannot allocate memory",
    "bad_alloc",
    "not enough memory",
)
"""What torch, the operating system and C++ say; CUDA has a class for it."""


def is_out_of_memory(exc: BaseException) -> bool:
    """Tell by an error's class or words whether there was too little memory."""
    chain = [exc, *([exc.__cause__] if exc.__cause__ is not None else [])]
    return any(
        isinstance(one, MemoryError)
        or type(one).__name__ == "OutOfMemoryError"
        or any(sign in str(one) for sign in _TOO_LITTLE_MEMORY)
        for one in chain
    )


def check_weights(files: ModelFiles, config: ModelConfig) -> None:
    """Refuse weights that are not there, or that can't hold what the config describes.

    Raises:
        ModelLoadError: A file is missing or stands for another one, or sizes do not fit.
    """
    folder = files.folder
    weights = find_weights(folder)
    if not weights:
        for name in WEIGHTS:
            _check_index(files, folder / f"{name}{INDEX_SUFFIX}")
        checkpoint = advise_checkpoint(folder)
        raise refuse(
            files.name,
            "missing_weights",
            f"{why_no_weights(folder)}{f'; it holds {checkpoint}' if checkpoint else ''}",
        )
    for path in weights:
        why = stands_for_a_file(path, from_hub=not files.is_own_folder)
        if why is not None:
            raise refuse(files.name, "corrupt_weights", why)
        damage = find_damage(path)
        if damage is not None:
            raise refuse(
                files.name,
                "corrupt_weights",
                f"its {path.name} is damaged or no weights ({damage}); {how_again(files)}",
            )
        quantised = find_quantised(path)
        if quantised is not None:
            raise refuse(
                files.name,
                "quantised_weights",
                f"its weights are quantised ({quantised} in {path.name}), and their scales would "
                "be passed over; get the model that it was made from, in float32, float16 or "
                "bfloat16",
            )
    _check_size(files.name, config, weights)


def _check_index(files: ModelFiles, index: Path) -> None:
    why = stands_for_a_file(index, from_hub=not files.is_own_folder)
    if why is not None:
        raise refuse(files.name, "corrupt_weights", why)
    try:
        if index.is_file():
            read_shards(index)
    except ShardError as exc:
        raise refuse(files.name, "corrupt_weights", f"{exc}; {how_again(files)}") from exc


def how_again(files: ModelFiles) -> str:
    """Say how to get files again; those in the hub's cache would be taken as they are."""
    if files.is_own_folder:
        return "download it again"
    return f"delete {files.folder.parents[1]} and run `vidtag models get {files.name}`"


def _check_size(model: str, config: ModelConfig, weights: Sequence[Path]) -> None:
    num_bytes = sum(path.stat().st_size for path in weights)
    names = read_tensor_names(weights)
    towers = [config.vision, config.text] if config.kind.section else [config.values]
    layers = sum(
        value
        for tower in towers
        for key, value in tower.items()
        if key.endswith("_layers") and isinstance(value, int) and not key.startswith("decoder_")
    )
    if layers > (len(names) or _MOST_LAYERS):
        held = f"{len(names)} tensors" if names else format_bytes(num_bytes)
        raise unfit(model, f"config.json asks for {layers:,} layers, and its weights are {held}")
    cost = model_cost(config)
    if cost is None:
        return
    # A byte each is less than any format takes that is read.
    if names and cost.parameters > num_bytes:
        raise unfit(
            model,
            f"config.json describes {cost.parameters:,} parameters, and its weights take "
            f"{format_bytes(num_bytes)}",
        )
    width = config.vision.get("hidden_size", config.kind.hidden_size)
    # Where it is no number transformers says so.
    if isinstance(width, int) and cost.tokens * width > _MOST_NUMBERS:
        raise unfit(
            model,
            f"config.json describes {cost.tokens:,} tokens a clip, more than any model takes",
        )


def unfit(model: str, why: str = "") -> ModelError:
    """Compose the error for weights that are another model's."""
    detail = f" ({why})" if why else ""
    return refuse(model, "mismatched_weights", f"its weights do not fit its config.json{detail}")
