"""Model folders in the hub's format: an encoder that is there, with another last layer.

Owns what such a folder holds. What it was trained on, and how, is the trainer's business.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError

from vidtag.errors import OutputError
from vidtag.models.config import ModelConfig
from vidtag.models.folders import PREPROCESSOR_FILES, TOKENIZER_FILES
from vidtag.models.source import ModelFiles
from vidtag.models.torch_engine import load_model, quiet
from vidtag.models.weights import find_weights

CARD_NAME = "README.md"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewHead:
    """A last layer that takes the place of another one."""

    labels: tuple[str, ...]
    """Names of its classes."""

    weight: npt.NDArray[np.floating]
    """`(num_labels, d)`."""

    bias: npt.NDArray[np.floating]
    """`(num_labels,)`."""


def write_with_head(
    files: ModelFiles,
    config: ModelConfig,
    folder: str,
    new: NewHead,
    *,
    own: Mapping[str, Any],
    card: str,
) -> None:
    """Write a model that is another one with a new last layer; whole or not at all.

    Args:
        files: The model whose encoder is kept.
        config: What that says of itself.
        folder: Where it goes; what is there is replaced.
        new: Its last layer.
        own: What its config.json says under `vidtag`.
        card: The model card.

    Raises:
        ModelError: The model can't be loaded.
        OutputError: The folder can't be written.
    """
    dtype = stored_dtype(files)
    model = load_model(files, config, dtype)
    put_head(model, config, new, dtype)
    write_model(files, model, folder, labels=new.labels, own=own, card=card)


def put_head(model: torch.nn.Module, config: ModelConfig, new: NewHead, dtype: torch.dtype) -> None:
    """Put a last layer in the place of a model's own."""
    head = torch.nn.Linear(new.weight.shape[1], new.weight.shape[0], dtype=dtype)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(np.asarray(new.weight, np.float64)))
        head.bias.copy_(torch.from_numpy(np.asarray(new.bias, np.float64)))
    parent, _, name = config.kind.head.rpartition(".")
    setattr(model.get_submodule(parent), name, head)


def write_model(
    files: ModelFiles,
    model: Any,
    folder: str,
    *,
    labels: Sequence[str],
    own: Mapping[str, Any],
    card: str,
) -> None:
    """Write a model of transformers; whole or not at all.

    Args:
        files: The model that it came from, whose preprocessing it has, and tokenizer.
        model: Its weights.
        folder: Where it goes; what is there is replaced.
        labels: Names of its classes.
        own: What its config.json says under `vidtag`.
        card: The model card.

    Raises:
        OutputError: The folder can't be written.
    """
    model.config.num_labels = len(labels)
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {label: index for index, label in enumerate(labels)}

    def fill(place: Path) -> None:
        with quiet():
            model.save_pretrained(place)
        path = place / "config.json"
        values = json.loads(path.read_text(encoding="utf-8"))
        values["vidtag"] = dict(own)
        path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        for one in (*PREPROCESSOR_FILES, *TOKENIZER_FILES):
            if (files.folder / one).is_file():
                shutil.copyfile(files.folder / one, place / one)
        (place / CARD_NAME).write_text(card, encoding="utf-8")

    put_folder(folder, fill)


def stored_dtype(files: ModelFiles) -> torch.dtype:
    """Tell in what a model's weights are stored; single precision where that is not plain."""
    first = find_weights(files.folder)[0]
    if first.suffix != ".safetensors":
        return torch.float32
    from safetensors import safe_open

    with safe_open(first, "pt") as file:
        tensor = file.get_tensor(next(iter(file.keys())))
    dtype: torch.dtype = tensor.dtype
    return dtype if dtype in (torch.float16, torch.bfloat16) else torch.float32


def _let_others_read(folder: Path) -> None:
    """Give a folder and its files the rights of new ones; some come of temporary files."""
    mask = os.umask(0)
    os.umask(mask)
    folder.chmod(0o777 & ~mask)
    for path in folder.iterdir():
        path.chmod(0o666 & ~mask)


def put_folder(folder: str, fill: Any) -> None:
    """Make a folder under another name and rename it, so that it is there whole or not at all.

    Args:
        folder: Where it goes.
        fill: Puts files into the folder that it is given.

    Raises:
        OutputError: It can't be written.
    """
    target = Path(os.path.realpath(folder))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as exc:
        raise OutputError(folder, f"Can't write '{folder}': {exc.strerror}.") from exc
    try:
        fill(place)
        _let_others_read(place)
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
            target.rename(old / "old")
            place.rename(target)
            shutil.rmtree(old)
        else:
            place.rename(target)
    except OSError as exc:
        raise OutputError(folder, f"Can't write '{folder}': {exc.strerror or exc}.") from exc
    except SafetensorError as exc:  # what a full disk is to it
        raise OutputError(folder, f"Can't write '{folder}': {exc}.") from exc
    finally:
        shutil.rmtree(place, ignore_errors=True)
