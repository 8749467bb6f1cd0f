"""A fitted temperature, kept in the folder of the model that it belongs to."""

import json
from pathlib import Path
from typing import Any

from vidtag.aliases import ALIASES
from vidtag.errors import ModelLoadError, UsageError
from vidtag.outputs.atomic import check_writable_file, write_whole
from vidtag.text import encode

CONFIG_NAME = "config.json"

OWN_KEY = "vidtag"
"""Of config.json: what vidtag alone reads there."""


def check_keeps_temperature(model: str | None) -> Path:
    """Return the config.json in which a temperature can be kept.

    Args:
        model: The model as the user named it.

    Raises:
        UsageError: It is no folder of the user's.
        OutputError: The file can't be written.
    """
    path = None if model is None or model in ALIASES else Path(model) / CONFIG_NAME
    # A link leads into the hub's cache, whose files belong to all.
    if path is None or not path.is_file() or path.is_symlink():
        raise UsageError(
            "--calibrate keeps the temperature in the model's config.json, so -m must be a folder "
            f"of yours, not '{model or 'the default model'}'; copy the model into one."
        )
    check_writable_file(str(path))
    return path


def keep_temperature(config: Path, temperature: float, num_clips: int) -> None:
    """Write a temperature into a model's config.json; all else of it stays.

    Args:
        config: The file.
        temperature: What the model's logits are to be divided by.
        num_clips: How many clips, or steps, it was fitted on.

    Raises:
        ModelLoadError: The file is no config.json any more.
        OutputError: It can't be written; what was there before is still there.
    """
    try:
        values: Any = json.loads(config.read_text(encoding="utf-8"))
        own = values.get(OWN_KEY) or {}
        values[OWN_KEY] = {**own, "temperature": temperature, "calibrated_on": num_clips}
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        raise ModelLoadError(
            str(config.parent), "bad_config",
            f"The temperature can't be kept in '{config}', which can't be read; get the model "
            "again.",
        ) from exc  # fmt: skip
    text = json.dumps(values, indent=2, ensure_ascii=False)
    write_whole(str(config), [encode(f"{text}\n")])
