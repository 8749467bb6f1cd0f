"""The models that have short names, as data.

Owns names and where they lead. Imports nothing heavy: `--help` reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DEFAULT_MODEL = "base"
"""VideoMAE-base on Kinetics-400: what `vidtag clip.mp4` uses."""

WORDS_MODEL = "xclip"
"""X-CLIP B/32: what words of the user's own are given to where no model is named."""

DEMO_MODEL = "demo"
"""The small model inside the package, for trying vidtag offline."""

DEMO_WORDS_MODEL = "demo-words"
"""The small video-text model inside the package, for trying words offline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAlias:
    """A short name for a model."""

    name: str
    """What `--model` takes."""

    hub_id: str | None
    """Where the model lives on the Hugging Face hub; `None` for the packaged one."""

    licence: str | None
    """Licence of the weights, as their model card states it."""

    note: str
    """One line for a person."""

    reads_text: bool = False
    """Whether it takes labels in the user's own words."""

    revision: str | None = None
    """The commit that is used where none is asked for; the newest where `None`."""


_ALL = (
    ModelAlias(
        name="base",
        hub_id="MCG-NJU/videomae-base-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-base, 400 Kinetics actions; the default",
    ),
    ModelAlias(
        name="small",
        hub_id="MCG-NJU/videomae-small-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-small, 400 Kinetics actions; a third of the arithmetic of base",
    ),
    ModelAlias(
        name="large",
        hub_id="MCG-NJU/videomae-large-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-large, 400 Kinetics actions; more accurate, for a GPU",
    ),
    ModelAlias(
        name="huge",
        hub_id="MCG-NJU/videomae-huge-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-huge, 400 Kinetics actions; the most accurate, for a GPU",
    ),
    ModelAlias(
        name="ssv2",
        hub_id="MCG-NJU/videomae-base-finetuned-ssv2",
        licence="cc-by-nc-4.0",
        note="VideoMAE-base, 174 hand-object actions (Something-Something v2)",
    ),
    ModelAlias(
        name="timesformer",
        hub_id="facebook/timesformer-base-finetuned-k400",
        licence="cc-by-nc-4.0",
        note="TimeSformer-base, 400 Kinetics actions, 8 frames over 8.5 seconds",
    ),
    ModelAlias(
        name="vivit",
        hub_id="google/vivit-b-16x2-kinetics400",
        licence="mit",
        note="ViViT-base 16x2, 400 Kinetics actions, 32 frames over 2.1 seconds",
    ),
    ModelAlias(
        name="vjepa2-ssv2",
        hub_id="facebook/vjepa2-vitl-fpc16-256-ssv2",
        licence="mit",
        note="V-JEPA 2 ViT-L, 174 hand-object actions (Something-Something v2); for a GPU",
    ),
    ModelAlias(
        name=WORDS_MODEL,
        hub_id="microsoft/xclip-base-patch32",
        licence="mit",
        note="X-CLIP B/32: your own words (--label), or 400 Kinetics actions without any",
        reads_text=True,
    ),
    ModelAlias(
        name="xclip-b16",
        hub_id="microsoft/xclip-base-patch16",
        licence="mit",
        note="X-CLIP B/16: your own words, or 400 Kinetics actions; more accurate",
        reads_text=True,
    ),
    ModelAlias(
        name="xclip-large",
        hub_id="microsoft/xclip-large-patch14",
        licence="mit",
        note="X-CLIP L/14: your own words, or 400 Kinetics actions; for a GPU",
        reads_text=True,
    ),
    ModelAlias(
        name="videoprism",
        hub_id="google/videoprism-lvt-base-f16r288",
        licence="apache-2.0",
        note="VideoPrism-LvT base: your own words, never trained on Kinetics; for a GPU",
        reads_text=True,
        # The weights for transformers are on no branch of its repository: this is the commit of
        # an open pull request there. Source: mteb, videoprism_models.py, which pins the same.
        revision="fb6de9f0eb7bc285be86bdca1cf7daa3e3ef51ff",
    ),
    ModelAlias(
        name=DEMO_MODEL,
        hub_id=None,
        licence="mit",
        note="small VideoMAE inside vidtag; knows drawn figures only, not real footage",
    ),
)

PINNED: Mapping[str, str] = MappingProxyType(
    {
        **{one.hub_id: one.revision for one in _ALL if one.hub_id and one.revision},
        # The larger one has no alias; its weights lie in a pull request, too (same source).
        "google/videoprism-lvt-large-f8r288": "03900b4ecc0b278b30abdc5953c575bb5f083865",
    }
)
"""Hub ids and the commits that hold their weights, where no branch does."""

ALIASES: Mapping[str, ModelAlias] = MappingProxyType({alias.name: alias for alias in _ALL})
"""Every alias by its name, in the order in which `vidtag models` lists them."""


def alias_of(model: str) -> ModelAlias | None:
    """Find the alias that a name or a hub id belongs to.

    >>> alias_of("MCG-NJU/videomae-base-finetuned-kinetics").name
    'base'
    >>> alias_of("./base") is None
    True
    """
    if model in ALIASES:
        return ALIASES[model]
    return next((alias for alias in _ALL if alias.hub_id == model), None)
