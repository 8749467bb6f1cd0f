"""The model card of a trained model: what it was made from, and how well it does."""

import json
from typing import TYPE_CHECKING

from vidtag.models.config import ModelConfig
from vidtag.models.source import ModelFiles
from vidtag.text import one_line
from vidtag.training.examples import Examples
from vidtag.training.figures import Figures, count_windows, judge
from vidtag.training.outcome import Outcome
from vidtag.version import __version__

if TYPE_CHECKING:
    from vidtag.training.pretraining import Pretrained, PretrainOptions

_MOST_CONFUSED = 10
"""Pairs that the card lists."""


def model_card(
    files: ModelFiles, config: ModelConfig, examples: Examples, outcome: Outcome, seed: int
) -> str:
    """Write the card; the same training gives the same bytes.

    Args:
        files: The model whose encoder was kept.
        config: What that says of itself.
        examples: What was learned from.
        outcome: What it came to.
        seed: Of the training.
    """
    lines = [
        *_front(files),
        "# A video classifier trained with vidtag",
        "",
        f"`{files.model_id}` ({files.revision or 'no revision'}), trained on labelled videos. "
        + _licence(files),
        "",
        "## What it learned from",
        "",
        "| label | videos | windows |",
        "|---|---|---|",
    ]
    for label, num_videos, num_windows in count_windows(examples, outcome.classes):
        lines.append(f"| {_cell(label)} | {num_videos} | {num_windows} |")
    lines += [
        f"- {note}" if number else f"\n- {note}" for number, note in enumerate(examples.notes)
    ]
    lines += ["", "## How well it does on what it had not seen", ""]
    figures = judge(outcome)
    if figures is None:
        lines.append("Not known: each label has one video alone, so none could be held out.")
    else:
        lines += _figures(figures, outcome)
    lines += [
        "",
        "## How it was made",
        "",
        f"`vidtag train`, vidtag {__version__}, seed {seed}: {outcome.recipe}. Held out: "
        f"{outcome.held_out}.",
        "",
    ]
    if config.kind.text is not None or config.has_fitted_head:
        lines += _in_transformers(config)
    return "\n".join(lines)


def _in_transformers(config: ModelConfig) -> list[str]:
    """Say how a model is asked for which transformers has no class."""
    return [
        "## In transformers",
        "",
        "transformers has no class for a last layer on this model. It loads the folder as the "
        "model that it was made from, and passes over two tensors of `model.safetensors`, "
        "`classifier.weight` and `classifier.bias`. They make logits of the direction that a video "
        "is seen in:",
        "",
        "```python",
        "model = AutoModel.from_pretrained(FOLDER)",
        f"seen = model.get_video_features({config.kind.input_name}=clip).pooler_output.flatten(1)",
        'head = load_file(f"{FOLDER}/model.safetensors")  # of safetensors.torch',
        'logits = F.linear(F.normalize(seen, dim=-1), head["classifier.weight"], '
        'head["classifier.bias"])',
        "```",
        "",
    ]


def pretraining_card(files: ModelFiles, options: "PretrainOptions", result: "Pretrained") -> str:
    """Write the card of an encoder that learned from unlabelled footage.

    Args:
        files: The model that it began with.
        options: How it learned.
        result: What came of it.
    """
    began = "weights that knew nothing" if options.from_nothing else f"`{files.model_id}`"
    lines = [
        *_front(files),
        "# An encoder pretrained with vidtag",
        "",
        f"A VideoMAE of the shape of `{files.model_id}` that began with {began} and learned from "
        f"{result.num_clips} clips of {result.num_videos} unlabelled videos: nine tenths of the "
        "patches were hidden, at the same places in all frames, and it painted them. "
        + _licence(files),
        "",
        "It knows no label: `vidtag train DATA --from FOLDER --full -o MODEL` goes on from it.",
        "",
        f"`vidtag pretrain`, vidtag {__version__}, seed {options.seed}: {options.num_steps} "
        f"updates of {options.batch_size} clips.",
        "",
    ]
    return "\n".join(lines)


def _front(files: ModelFiles) -> list[str]:
    return [
        "---",
        *([f"license: {files.licence}"] if files.licence else []),
        "library_name: transformers",
        "pipeline_tag: video-classification",
        f"base_model: {json.dumps(files.model_id)}",  # a path may hold what YAML reads
        "tags:",
        "- vidtag",
        "---",
        "",
    ]


def _licence(files: ModelFiles) -> str:
    if files.licence:
        return f"**Its licence is that of the weights it began with: {files.licence}.**"
    return "The licence of the weights that it began with is not known."


def _figures(figures: Figures, outcome: Outcome) -> list[str]:
    temperature = f"{outcome.temperature:.3f}" if outcome.is_calibrated else "not known"
    lines = [
        "| measure | result |",
        "|---|---|",
        f"| {figures.what}s | {figures.num} of {figures.num_videos} videos |",
        f"| right | {figures.accuracy:.1%} |",
        f"| right, mean of the labels | {figures.mean_class:.1%} |",
        f"| temperature | {temperature} |",
    ]
    if figures.confused:
        lines += ["", "Taken for each other:", ""]
        lines += [
            f"- {_cell(true)} for {_cell(said)}: {count}"
            for true, said, count in figures.confused[:_MOST_CONFUSED]
        ]
    return lines


def _cell(label: str) -> str:
    return one_line(label, 0).replace("|", "\\|")
