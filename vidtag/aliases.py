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

PACKAGED_MODELS = (DEMO_MODEL, DEMO_WORDS_MODEL)
"""Those that know drawn figures alone, which every place that shows them says."""

CLIP_CAVEAT = (
    "X-CLIP starts from OpenAI's CLIP, whose model card calls deployment out of its scope: a note "
    "on its use, no term of the licence."
)
"""Told once, where licences are. Source: https://github.com/openai/CLIP/blob/main/model-card.md"""


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

    accuracy: str | None = None
    """Top-1 as it was published, on what, and where, over several views of each clip; `None` where
    no source was at hand."""

    reads_text: bool = False
    """Whether it takes labels in the user's own words."""

    labels: str | None = None
    """The packaged list of what it can name (`vidtag.models.words.lists`); `None` for a model in
    the package, which says it itself."""

    revision: str | None = None
    """The commit that is used where none is asked for; the newest where `None`."""


_ALL = (
    ModelAlias(
        name="base",
        hub_id="MCG-NJU/videomae-base-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-base, 400 Kinetics actions; the default",
        accuracy="81.5 % of Kinetics-400 (VideoMAE, MODEL_ZOO.md)",
        labels="kinetics400",
    ),
    ModelAlias(
        name="small",
        hub_id="MCG-NJU/videomae-small-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-small, 400 Kinetics actions; a third of the arithmetic of base",
        accuracy="79.0 % of Kinetics-400 (VideoMAE, MODEL_ZOO.md)",
        labels="kinetics400",
    ),
    ModelAlias(
        name="large",
        hub_id="MCG-NJU/videomae-large-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-large, 400 Kinetics actions; more accurate, for a GPU",
        accuracy="85.2 % of Kinetics-400 (VideoMAE, MODEL_ZOO.md)",
        labels="kinetics400",
    ),
    ModelAlias(
        name="huge",
        hub_id="MCG-NJU/videomae-huge-finetuned-kinetics",
        licence="cc-by-nc-4.0",
        note="VideoMAE-huge, 400 Kinetics actions; the most accurate, for a GPU",
        accuracy="86.6 % of Kinetics-400 (VideoMAE, MODEL_ZOO.md)",
        labels="kinetics400",
    ),
    ModelAlias(
        name="ssv2",
        hub_id="MCG-NJU/videomae-base-finetuned-ssv2",
        licence="cc-by-nc-4.0",
        note="VideoMAE-base, 174 hand-object actions (Something-Something v2)",
        accuracy="70.8 % of Something-Something v2 (VideoMAE, MODEL_ZOO.md)",
        labels="something_something_v2",
    ),
    ModelAlias(
        name="timesformer",
        hub_id="facebook/timesformer-base-finetuned-k400",
        licence="cc-by-nc-4.0",
        note="TimeSformer-base, 400 Kinetics actions, 8 frames over 8.5 seconds",
        accuracy="78 % of Kinetics-400 (arXiv 2102.05095)",
        labels="kinetics400",
    ),
    ModelAlias(
        name="vivit",
        hub_id="google/vivit-b-16x2-kinetics400",
        licence="mit",
        note="ViViT-base 16x2, 400 Kinetics actions, 32 frames over 2.1 seconds",
        accuracy="80 % of Kinetics-400 (arXiv 2103.15691)",
        labels="kinetics400",
    ),
    ModelAlias(
        name="vjepa2-ssv2",
        hub_id="facebook/vjepa2-vitl-fpc16-256-ssv2",
        licence="mit",
        note="V-JEPA 2 ViT-L, 174 hand-object actions (Something-Something v2); for a GPU",
        accuracy="73.7 % of Something-Something v2 (arXiv 2506.09985)",
        labels="something_something_v2",
    ),
    ModelAlias(
        name=WORDS_MODEL,
        hub_id="microsoft/xclip-base-patch32",
        licence="mit",
        note="X-CLIP B/32: your own words, or 400 Kinetics actions",
        accuracy="80.4 % of Kinetics-400 (arXiv 2208.02816)",
        reads_text=True,
        labels="kinetics400",
    ),
    ModelAlias(
        name="xclip-b16",
        hub_id="microsoft/xclip-base-patch16",
        licence="mit",
        note="X-CLIP B/16: your own words, or 400 Kinetics actions; more accurate",
        accuracy="83.8 % of Kinetics-400 (arXiv 2208.02816)",
        reads_text=True,
        labels="kinetics400",
    ),
    ModelAlias(
        name="xclip-large",
        hub_id="microsoft/xclip-large-patch14",
        licence="mit",
        note="X-CLIP L/14: your own words, or 400 Kinetics actions; for a GPU",
        accuracy="87.1 % of Kinetics-400 (arXiv 2208.02816)",
        reads_text=True,
        labels="kinetics400",
    ),
    ModelAlias(
        name="videoprism",
        hub_id="google/videoprism-lvt-base-f16r288",
        licence="apache-2.0",
        note="VideoPrism-LvT base: your own words; never trained on Kinetics; for a GPU",
        accuracy="69.2 % of Kinetics-400, untrained on it (VideoPrism, README.md)",
        reads_text=True,
        # The weights for transformers are on no branch of its repository: this is the commit of
        # an open pull request there. Source: mteb, videoprism_models.py, which pins the same.
        revision="fb6de9f0eb7bc285be86bdca1cf7daa3e3ef51ff",
        labels="kinetics400",
    ),
    ModelAlias(
        name=DEMO_MODEL,
        hub_id=None,
        licence="mit",
        note="small VideoMAE inside vidtag; knows drawn figures only, not real footage",
    ),
    ModelAlias(
        name=DEMO_WORDS_MODEL,
        hub_id=None,
        licence="mit",
        note="small X-CLIP inside vidtag, for words offline; knows drawn figures only",
        reads_text=True,
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
