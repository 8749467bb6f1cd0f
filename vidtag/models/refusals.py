"""Why a model was refused: the stable codes, and the sentences.

Owns the wording of every `ModelError`. Imports nothing heavy.
"""

from vidtag.errors import ModelLoadError, ModelMismatchError, ModelOptionError

DEMO_HINT = "try `--model demo`, which needs no network but knows drawn figures alone"
"""Offered where nothing else can be had; it says what that model knows."""


def refuse(model: str, code: str, reason: str) -> ModelLoadError:
    """Compose the error for a model that can't be loaded.

    Args:
        model: The model as the user named it.
        code: One of `MODEL_ERROR_CODES`.
        reason: What failed and what to try, as it follows "Can't load the model 'x': ".
    """
    return ModelLoadError(model, code, _end(f"Can't load the model {_quote(model)}: {reason}"))


def mismatch(model: str, code: str, reason: str) -> ModelMismatchError:
    """Compose the error for a model that does not fit what it declares."""
    return ModelMismatchError(model, code, _end(f"Can't use the model {_quote(model)}: {reason}"))


def wrong_option(model: str, code: str, reason: str) -> ModelOptionError:
    """Compose the error for a device, engine or precision that does not go together."""
    return ModelOptionError(model, code, _end(reason[:1].upper() + reason[1:]))


def _quote(model: str) -> str:
    return f"'{shortened(model, 500)}'"


def _end(sentence: str) -> str:
    if len(sentence.splitlines()) > 1:  # a name or a library's message with line breaks
        sentence = " ".join(sentence.split())
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def shortened(text: object, limit: int = 200) -> str:
    """Squeeze somebody else's message into one short line."""
    words = " ".join(str(text).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
