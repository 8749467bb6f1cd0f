"""Adapters such as LoRA's: small changes to a base model, kept beside it or alone.

Owns why they are refused: transformers applies an adapter where peft is installed and passes it
over where it is not, and no config tells which of the two made a score.
"""

from collections.abc import Container
from pathlib import Path

from vidtag.models.refusals import refuse

_FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
"""What peft's `save_pretrained` writes."""


def refuse_adapter(model: str, names: Container[str]) -> None:
    """Refuse a model with an adapter among its files.

    Args:
        model: The model as the user named it, for the error.
        names: Of its files.
    """
    found = next((name for name in _FILES if name in names), None)
    if found is not None:
        raise refuse(
            model,
            "adapter",
            f"it holds an adapter such as LoRA's ({found}), which has to be merged into its base: "
            "with peft, `PeftModel.from_pretrained(base, adapter).merge_and_unload()"
            ".save_pretrained(folder)`, then copy the base's preprocessor_config.json into that "
            "folder and name it",
        )


def refuse_adapter_in(folder: Path, model: str) -> None:
    """Refuse a folder with an adapter in it."""
    refuse_adapter(model, [name for name in _FILES if (folder / name).exists()])
