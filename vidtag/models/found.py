"""A model that was found and whose files make sense: what is known before an engine is chosen."""

from collections.abc import Callable
from dataclasses import dataclass

from vidtag.clips.preparing import Preprocessing
from vidtag.clips.processors import PreprocessorError, read_preprocessing
from vidtag.models.config import ModelConfig, read_config
from vidtag.models.conversions import conversion_facts
from vidtag.models.downloading import Advance
from vidtag.models.folders import where_to_get_one
from vidtag.models.options import LoadOptions
from vidtag.models.refusals import mismatch, refuse, shortened
from vidtag.models.source import ModelFiles, find_model


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A model's files, with what they say."""

    files: ModelFiles
    config: ModelConfig
    preprocessing: Preprocessing

    @property
    def facts(self) -> dict[str, str]:
        """All that shapes a converted model of it."""
        return conversion_facts(self.files, self.config, self.preprocessing)


def find_and_read(
    options: LoadOptions,
    tell: Callable[[str], None] | None = None,
    advance: Advance | None = None,
) -> tuple[ModelFiles, ModelConfig]:
    """Find a model, which may be downloaded, and read its configuration.

    Raises:
        ModelLoadError: It can't be had, or is none.
        ModelMismatchError: It is nothing that vidtag can use.
    """
    files = find_model(
        options.name,
        revision=options.revision,
        offline=options.offline,
        show_progress=options.show_progress,
        tell=tell,
        advance=advance,
    )
    return files, read_config(files.folder, files.name)


def check_found(files: ModelFiles, config: ModelConfig) -> FoundModel:
    """Read how pictures are prepared, and check that it goes with the model.

    Raises:
        ModelLoadError: Its preprocessor config is missing or damaged.
        ModelMismatchError: It takes other pictures than those of videos.
    """
    _check_channels(files, config)
    return FoundModel(files=files, config=config, preprocessing=_preprocessing(files, config))


def _check_channels(files: ModelFiles, config: ModelConfig) -> None:
    """Refuse a model that takes other pictures than red, green and blue."""
    channels = config.vision.get(config.kind.channels_key)
    if channels not in (None, 3) or isinstance(channels, bool):
        raise mismatch(
            files.name,
            "unsupported_model",
            f"it takes pictures of {shortened(repr(channels), 40)} channels, and those of videos "
            "have 3; name a model that was trained on colour pictures",
        )


def _preprocessing(files: ModelFiles, config: ModelConfig) -> Preprocessing:
    try:
        preprocessing = read_preprocessing(files.folder, config.processor)
    except PreprocessorError as exc:
        advice = ""
        if exc.code == "missing_preprocessor":
            advice = f"; {where_to_get_one(files.folder, str(files.folder))}"
        raise refuse(files.name, exc.code, f"{exc}{advice}") from exc
    if preprocessing.image_size != config.image_size and not config.kind.takes_any_size:
        raise mismatch(
            files.name,
            "size_mismatch",
            f"its preprocessor makes pictures of {preprocessing.image_size} pixels, "
            f"but the model takes {config.image_size}",
        )
    return preprocessing
