"""Why a model was refused: the stable codes, and the sentences.

Owns the wording of every `ModelError`. Imports nothing heavy.
"""

from collections.abc import Mapping
from types import MappingProxyType

from vidtag.errors import ModelLoadError, ModelMismatchError, ModelOptionError

DEMO_HINT = "try `--model demo`, which needs no network but knows drawn figures alone"
"""Offered where nothing else can be had; it says what that model knows."""

MODEL_ERROR_CODES: Mapping[str, str] = MappingProxyType(
    {
        "unknown_model": "No such alias, folder or hub model (or a private one).",
        "unknown_revision": "The hub model has no such branch, tag or commit.",
        "gated_model": "The hub wants you to log in or to accept terms first.",
        "hub_unreachable": "The model is not cached and the hub cannot be reached.",
        "hub_error": "The hub answered with an error.",
        "not_cached": "`--offline`, and the model is not in the cache.",
        "download_failed": "The download broke off or could not be written.",
        "not_a_model": "The folder or file is no model in the hub's format.",
        "bad_config": "The model's config.json cannot be read.",
        "unsupported_model": "The model is no video classifier that transformers knows.",
        "remote_code": "The model needs code from its repository, which vidtag never runs.",
        "multi_label": "The model gives several labels at once; vidtag ranks one against another.",
        "regression": "The model estimates quantities; vidtag ranks actions.",
        "one_label": "The model knows one action alone, which would score 1.00 everywhere.",
        "adapter": "The folder holds an adapter (LoRA), which must be merged into its base first.",
        "missing_weights": "There are no weights beside config.json.",
        "corrupt_weights": "The weights cannot be read.",
        "quantised_weights": "The weights are quantised, and their scales would be passed over.",
        "model_changed": "The model's files were changed while they were read.",
        "missing_head": "The checkpoint has no classifier head: it was never fine-tuned.",
        "mismatched_weights": "The weights do not fit the config.",
        "missing_preprocessor": "There is no preprocessor config.",
        "bad_preprocessor": "The preprocessor config asks for something vidtag cannot do.",
        "size_mismatch": "The preprocessor's pictures do not fit the model.",
        "missing_package": "A package that the engine needs is not installed.",
        "broken_torchvision": "The installed torchvision does not match torch.",
        "bad_device": "The device is unknown, or the engine cannot run there.",
        "missing_device": "The device that was asked for is not there.",
        "bad_engine": "The engine is unknown.",
        "bad_precision": "The precision is unknown, or the device cannot compute in it.",
        "bad_batch_size": "The batch size is not a whole number from 1 on.",
        "out_of_memory": "One window alone does not fit into the device's memory.",
        "model_failed": "The model or its engine failed while it ran or was set up.",
        "bad_logits": "The model gave something else than one finite logit for each label.",
        "not_explainable": "The engine or the architecture does not show what it looked at.",
    }
)
"""Each `ModelError.code` with its meaning in one line."""


def refuse(model: str, code: str, reason: str) -> ModelLoadError:
    """Compose the error for a model that cannot be loaded.

    Args:
        model: the model as the user named it.
        code: one of `MODEL_ERROR_CODES`.
        reason: what failed and what to try, as it follows "Can't load the model 'x': ".
    """
    return ModelLoadError(model, code, _end(f"Can't load the model {_quote(model)}: {reason}"))


def mismatch(model: str, code: str, reason: str) -> ModelMismatchError:
    """Compose the error for a model that does not fit what it declares."""
    return ModelMismatchError(model, code, _end(f"Can't use the model {_quote(model)}: {reason}"))


def wrong_option(model: str, code: str, reason: str) -> ModelOptionError:
    """Compose the error for a device, engine or precision that does not go together."""
    return ModelOptionError(model, code, _end(reason[:1].upper() + reason[1:]))


def _quote(model: str) -> str:
    return f"'{one_line(model, 500)}'"


def _end(sentence: str) -> str:
    if len(sentence.splitlines()) > 1:  # a name or a library's message with line breaks
        sentence = " ".join(sentence.split())
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def one_line(text: object, limit: int = 200) -> str:
    """Squeeze somebody else's message into one short line."""
    words = " ".join(str(text).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
