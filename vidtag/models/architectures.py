"""The architectures that vidtag runs: one record each, and nobody else switches on their names.

Owns what is true of every model of an architecture, whatever its config.json says. Imports
nothing heavy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSide:
    """What is true of the text that a video-text model compares a video with."""

    max_tokens: int
    """Where config.json is silent; what comes after them is not read."""

    template: str
    """The sentence that the models were trained with, in which `{}` stands for a label."""

    temperature: float | None = None
    """What cosines are divided by; `None` where the weights hold it."""

    section: str = "text_config"
    """Where config.json has the numbers of the text tower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What transformers calls a model type."""

    name: str
    """`model_type` of config.json."""

    title: str
    """As its authors write it."""

    input_name: str
    """The forward pass's argument that takes the clip."""

    frames_key: str = "num_frames"
    """Where config.json has the frames per clip."""

    size_key: str = "image_size"
    """Where config.json has the height and width of a frame."""

    channels_key: str = "num_channels"
    """Where config.json has the channels of a frame."""

    tensors: str
    """What the names of its encoder's tensors begin with."""

    head: str = "classifier"
    """Its last layer, which makes logits of features."""

    num_frames: int
    """Where config.json is silent. Source: the configuration classes of transformers 5.24."""

    image_size: int
    """Where config.json is silent. Source: as above."""

    takes_any_size: bool = False
    """Whether the forward pass takes frames of another size than config.json says."""

    attention: Literal["sdpa", "eager"]
    """The fastest implementation that transformers has of its attention, without more packages."""

    processor: str
    """The processor class that counts where the model's files name none."""

    hidden_size: int = 768
    """Where config.json is silent. Source: as for `num_frames`."""

    num_layers: int = 12
    """Where config.json is silent. Source: as above."""

    origin: str | None = None
    """A hub model from which most others of it were trained, for its preprocessor config."""

    processor_file: str = "preprocessor_config.json"
    """Where that model has its preprocessor config."""

    frame_seconds: Mapping[int, Fraction] = field(default_factory=dict)
    """Seconds between the frames of a clip, by their number, as the published models were
    trained. At 30 frames per second, which most of Kinetics has."""

    window_seconds: Fraction | None = None
    """The window that suits its models, however many frames they take of it."""

    still_threshold: float | None = None
    """Where its models can compute still patches once: how far normalised pixels may differ and
    still be called still. `None` where the layers need all tokens."""

    num_leading_tokens: int = 0
    """Tokens before those of the patches."""

    section: str | None = None
    """Where config.json has the numbers of the video tower; at its top where `None`."""

    text: TextSide | None = None
    """Of a model that compares videos with text; such a model has no labels of its own."""


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        one.name: one
        for one in (
            Architecture(
                name="videomae",
                title="VideoMAE",
                input_name="pixel_values",
                tensors="videomae",
                num_frames=16,
                image_size=224,
                attention="sdpa",
                processor="VideoMAEImageProcessor",
                origin="MCG-NJU/videomae-base",
                # Kinetics-400 at a threshold of 0.1, without training: ViT-B 80.9 -> 80.9, L 84.7
                # -> 84.7, H 86.2 -> 86.2 (arXiv 2411.05222 and its README), with a rule that finds
                # more to be still and without weights. No weights were at hand to measure ours.
                still_threshold=0.1,
            ),
            Architecture(
                name="timesformer",
                title="TimeSformer",
                input_name="pixel_values",
                tensors="timesformer",
                num_frames=8,
                image_size=224,
                attention="eager",
                processor="TimesformerVideoProcessor",
                origin="facebook/timesformer-base-finetuned-k400",
                # The default model at a rate of 1/32, HR at 1/16, L at 1/4. Source: arXiv
                # 2102.05095, section 4, and the names of its repository's configurations.
                frame_seconds=MappingProxyType(
                    {8: Fraction(32, 30), 16: Fraction(16, 30), 96: Fraction(4, 30)}
                ),
            ),
            Architecture(
                name="vivit",
                title="ViViT",
                input_name="pixel_values",
                tensors="vivit",
                num_frames=32,
                image_size=224,
                attention="sdpa",
                processor="VivitImageProcessor",
                origin="google/vivit-b-16x2-kinetics400",
                # As for VideoMAE, whose patches and attention it has; nobody has measured it.
                still_threshold=0.1,
                num_leading_tokens=1,  # of the class
                # Source: arXiv 2103.15691, section 4: 32 frames at a stride of 2.
                frame_seconds=MappingProxyType({32: Fraction(2, 30)}),
            ),
            Architecture(
                name="vjepa2",
                title="V-JEPA 2",
                input_name="pixel_values_videos",
                tensors="vjepa2",
                frames_key="frames_per_clip",
                size_key="crop_size",
                channels_key="in_chans",
                num_frames=64,
                image_size=256,
                takes_any_size=True,  # it turns positions into angles
                attention="sdpa",
                processor="VJEPA2VideoProcessor",
                hidden_size=1024,
                num_layers=24,
                origin="facebook/vjepa2-vitl-fpc16-256-ssv2",
                processor_file="video_preprocessor_config.json",
            ),
            Architecture(
                name="videoprism_vision_model",
                title="VideoPrism",
                input_name="pixel_values_videos",
                tensors="vision_model",
                num_frames=16,
                image_size=288,
                attention="eager",  # it caps the attention logits, which sdpa can't
                processor="VideoPrismVideoProcessor",
            ),
            Architecture(
                name="xclip",
                title="X-CLIP",
                input_name="pixel_values",
                section="vision_config",
                tensors="vision_model",
                num_frames=8,
                image_size=224,
                attention="sdpa",
                processor="VideoMAEImageProcessor",
                origin="microsoft/xclip-base-patch32",
                # Trained on frames spread over whole Kinetics clips of ten seconds, in which the
                # action fills a part (VideoX, X-CLIP/datasets/build.py): a window of ten would
                # smear what a timeline is to tell apart, one of two shows eight frames almost
                # alike. Four is between them; no weights were at hand to measure it.
                window_seconds=Fraction(4),
                # Source: VideoX, X-CLIP/utils/tools.py: the bare name.
                text=TextSide(max_tokens=77, template="{}"),
            ),
            Architecture(
                name="videoprism",
                title="VideoPrism-LvT",
                input_name="pixel_values_videos",
                section="vision_config",
                tensors="video_model",
                num_frames=16,
                image_size=288,
                attention="eager",  # it caps the attention logits, which sdpa can't
                processor="VideoPrismVideoProcessor",
                origin="google/videoprism-lvt-base-f16r288",
                processor_file="video_preprocessor_config.json",
                # Source: the authors' notebook, videoprism_video_text_demo.ipynb: its sentence,
                # and its temperature of 0.01.
                text=TextSide(max_tokens=64, template="a video of {}.", temperature=0.01),
            ),
        )
    }
)
"""By `model_type`. Source: the mapping for video classification in modeling_auto.py there, and of
video-text models those classes that compare a clip with text."""

FITTED: Mapping[str, Architecture] = MappingProxyType(
    {
        name: replace(one, text=None, title=f"{one.title} with labels of its own")
        for name, one in ARCHITECTURES.items()
        if one.text is not None
    }
)
"""What video-text models are once a last layer was fitted to what they see: ordinary classifiers,
which read no text. `vidtag train` makes them; transformers has no class for them."""


def find_kind(name: str, own: object) -> Architecture | None:
    """Find what is true of a model; `None` where it is of no architecture that vidtag runs.

    Args:
        name: `model_type` of its config.json.
        own: What that says under `vidtag`, perhaps: of a video-text model, whether labels were
            fitted to it.
    """
    is_fitted = isinstance(own, Mapping) and own.get("trained") == "head"
    return (FITTED.get(name) if is_fitted else None) or ARCHITECTURES.get(name)
