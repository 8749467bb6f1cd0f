"""What a user may wish of a model: which one, with which words, and how it runs.

Plain values, checked as they are made; nothing is loaded here.
"""

import os
from dataclasses import dataclass
from typing import get_args

from vidtag.aliases import DEFAULT_MODEL, WORDS_MODEL
from vidtag.arguments import check_choice, check_kind, take_whole
from vidtag.models.device import check_words
from vidtag.models.refusals import wrong_option
from vidtag.models.words.background import BackgroundChoice
from vidtag.models.words.given import Word, WordsError, check_template, parse_words


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """Which model, and how to run it.

    Plain values alone, so that they can be sent to another process.

    Raises:
        TypeError: A value is of the wrong type.
        ModelOptionError: A word is unknown, or the batch size makes no sense.
    """

    model: str | os.PathLike[str] | None = None
    """Alias, hub id or folder; kept as text. Where `None`, `base`, and `xclip` for labels."""

    revision: str | None = None
    """Branch, tag or commit of a hub model."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""

    engine: str = "auto"
    """`auto`, `torch`, `openvino`."""

    precision: str = "auto"
    """`auto`, `fp32`, `bf16`, `fp16`, or `int8`, which is calibrated first."""

    fast: bool = False
    """Compute patches that stand still once, where the model can: scores are approximate."""

    batch_size: int | None = None
    """Windows per forward pass; chosen from the device and the model where `None`."""

    offline: bool = False
    """Never touch the network."""

    labels: tuple[str, ...] | None = None
    """Labels in your own words, for a model that compares videos with text; several phrasings of
    one are separated by `|`, and the first names it. The model's own labels where `None`."""

    template: str | None = None
    """The sentence that labels are put into, at its `{}`; the model's own where `None`."""

    background: BackgroundChoice = "auto"
    """What given labels compete with: what the model has for it, or with `none` one another."""

    show_progress: bool = False
    """Let a first download draw its progress on stderr."""

    def __post_init__(self) -> None:
        if isinstance(self.labels, str):
            raise TypeError("labels must be a list of labels, not one text")
        if self.labels is not None:
            object.__setattr__(self, "labels", tuple(self.labels))
            for label in self.labels:
                check_kind("a label", label, str)
        if self.model is None:
            default = DEFAULT_MODEL if self.labels is None else WORDS_MODEL
            object.__setattr__(self, "model", default)
        assert self.model is not None  # set above
        check_kind("model", self.model, str, os.PathLike)
        object.__setattr__(self, "model", os.fsdecode(self.model))
        check_kind("template", self.template, str, type(None))
        if self.template is not None:
            object.__setattr__(self, "template", self._clean_template(self.template))
        check_choice("background", self.background, get_args(BackgroundChoice))
        self.words()  # what is wrong with them is said before anything is loaded
        check_kind("revision", self.revision, str, type(None))
        for name in ("device", "engine", "precision"):
            check_kind(name, getattr(self, name), str)
        check_words(self.name, self.device, self.engine, self.precision)
        for name in ("fast", "offline", "show_progress"):
            check_kind(name, getattr(self, name), bool)
        if self.batch_size is not None:
            take_whole(self, "batch_size")
            if self.batch_size < 1:
                raise wrong_option(
                    self.name, "bad_batch_size", f"batch size {self.batch_size} is less than 1"
                )

    @property
    def name(self) -> str:
        """The model as text."""
        assert self.model is not None  # it was set as this was made
        return os.fspath(self.model)

    def _clean_template(self, template: str) -> str:
        try:
            return check_template(template)
        except WordsError as exc:
            raise wrong_option(self.name, "bad_labels", str(exc)) from exc

    def words(self) -> tuple[tuple[Word, ...], tuple[str, ...]]:
        """Make words of the labels: the words, and those that were given more than once.

        Raises:
            ModelOptionError: One is empty, there is none, or there is only a template for them.
        """
        try:
            if self.labels is not None:
                return parse_words(self.labels)
            if self.template is not None or self.background != "auto":
                raise WordsError("a template or a background goes with labels of your own")
            return (), ()
        except WordsError as exc:
            raise wrong_option(self.name, "bad_labels", str(exc)) from exc
