"""Writes the shipped folder: weights, configurations and the model card."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedModel
from transformers.utils import logging

from figures.actions import LABELS
from figures.batches import Recipe
from figures.dataset import IMAGE_SIZE, PROCESSOR, STRADDLING_SHARE
from figures.evaluation import ClipFigures, SequenceFigures

STILL_THRESHOLD = 0.02
"""How far patches may differ and be called still by `--fast`. Drawn backgrounds stand as still as
real ones do at five times this. Measured by tests/benchmarks/still.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that the card says about one run."""

    clips: ClipFigures
    whole_seconds: SequenceFigures
    any_times: SequenceFigures
    frozen_control: float
    """Frozen test clips named right by the model that was tuned on frozen clips."""
    control_steps: int
    recipe: Recipe
    training_clips: int
    command: str
    parameters: int
    megabytes: float = 0.0
    minutes: float = 0.0
    """Of the whole run, known only at its end."""


def write_model(model: PreTrainedModel, folder: Path) -> None:
    """Save a model in half precision with the preprocessing that it was trained with.

    Args:
        model: saved as it is; its own precision is kept.
        folder: receives config.json, model.safetensors and preprocessor_config.json.
    """
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model.half().save_pretrained(folder)  # type: ignore[no-untyped-call]
    model.float().load_state_dict(weights)  # type: ignore[no-untyped-call]
    # It is written through a private temporary file; others shall read it, too.
    (folder / "model.safetensors").chmod(0o644)
    text = json.dumps(PROCESSOR, indent=2) + "\n"
    (folder / "preprocessor_config.json").write_text(text, encoding="utf-8")


def note_threshold(folder: Path) -> None:
    """Write into a saved configuration what vidtag is to know of it."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["vidtag"] = {"still_threshold": STILL_THRESHOLD}
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def write_card(report: Report, folder: Path) -> str:
    """Write the model card and return its table of figures.

    Args:
        report: what was measured.
        folder: receives README.md.

    Returns:
        The table as Markdown.
    """
    table = figures_table(report)
    text = _CARD.format(
        labels=", ".join(LABELS),
        num_labels=len(LABELS),
        table=table,
        per_label=per_label_table(report.clips),
        parameters=report.parameters / 1e6,
        megabytes=report.megabytes,
        steps=report.recipe.steps,
        batch=report.recipe.batch_size,
        training_clips=report.training_clips,
        straddling=STRADDLING_SHARE,
        control_steps=report.control_steps,
        command=report.command,
        minutes=report.minutes,
        size=IMAGE_SIZE,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    return table


def figures_table(report: Report) -> str:
    """Return the figures as a Markdown table."""
    clips, whole, free = report.clips, report.whole_seconds, report.any_times
    rows = [
        (
            f"top-1 on {clips.num_clips:,} single clips",
            f"{clips.top1:.2%} (± {clips.margin:.2%})",
        ),
        ("top-5 on the same clips", f"{clips.top5:.2%}"),
        (
            f"per second, {whole.num_sequences} sequences of five actions that change at whole "
            f"seconds ({whole.num_seconds:,.0f} s)",
            f"{whole.right:.2%}",
        ),
        (
            f"share of the time, {free.num_sequences} sequences whose actions change at any time "
            f"({free.num_seconds:,.0f} s)",
            f"{free.right:.2%}",
        ),
        ("frames shuffled", f"{clips.shuffled:.2%}"),
        ("frames reversed", f"{clips.reversed:.2%}"),
        ("frozen: all 16 frames are the middle one", f"{clips.frozen:.2%}"),
        (
            "control: the same model tuned on frozen frames, asked about frozen frames",
            f"{report.frozen_control:.2%}",
        ),
    ]
    return as_table(("measure", "result"), rows)


def as_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows of text as a Markdown table."""
    rule = "---|" * len(head)
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], f"|{rule}", *lines[1:]])


def per_label_table(clips: ClipFigures) -> str:
    """Return accuracy and the commonest confusions of every label as a Markdown table."""
    rows = [
        (
            label,
            f"{clips.confusion[index, index] / clips.confusion[index].sum():.1%}",
            mistakes(clips.confusion, index),
        )
        for index, label in enumerate(LABELS)
    ]
    return as_table(("label", "right", "taken for"), rows)


def mistakes(confusion: npt.NDArray[np.int64], index: int) -> str:
    """Return what a label is most often taken for."""
    row = confusion[index]
    others = [i for i in np.argsort(-row, kind="stable") if i != index and row[i]][:3]
    return ", ".join(f"{LABELS[i]} ({row[i]})" for i in others)


_CARD = """\
---
license: mit
library_name: transformers
pipeline_tag: video-classification
tags:
- videomae
- synthetic
---

# vidtag demo model

A small VideoMAE that names {num_labels} actions of **drawn figures**. It lets vidtag be tried, \
tested and explained without a download: a true end-to-end run with a right answer.

**It is not for real footage.** It has never seen a photograph of a person; on real video its \
answers mean nothing. For those, use one of the Kinetics models (`vidtag models`).

* Architecture: transformers' own `VideoMAEForVideoClassification`, {parameters:.2f} million \
parameters, {megabytes:.1f} MB in half precision; 16 frames of {size} by {size} pixels over 2 \
seconds.
* Labels, each with its exact Kinetics-400 name: {labels}.
* Licence: MIT, the vidtag authors. Nobody's footage and no other model's weights went into it.

## How good it is

Measured by the command below on clips with bodies, clothes, places and performances that were \
not trained on; the test set follows from its split's name and was fixed before the training.

{table}

Standing still takes away most of what the model knows: it goes by the movement. Shuffled frames \
still show all poses, which tell many of these actions; no label depends on the direction of time. \
The control says how much single pictures give away to a model that had the chance to learn from \
them (tuned for {control_steps} steps on frozen training clips). Guessing is right once in \
{num_labels}. Where actions change in the middle of a second, no answer for that second is right \
for all of it.

{per_label}

## How it was made

```
{command}
```

renders, trains and evaluates from nothing and wrote this folder in {minutes:.0f} minutes on two \
cores; equal seeds give equal clips, batches and schedules. Rounding differs between machines, so \
the weights agree in quality, not in every bit.

1. **Clips.** {training_clips:,} training clips of articulated figures, drawn by the code beside \
that command: bodies, clothes, tempi, styles, viewpoints, seven kinds of places, unused things \
lying about, light, hand-held camera, grain, blur, picture sizes. Frames are picked as vidtag \
picks them, from videos of 12 to 60 frames a second. In {straddling:.0%} of the clips one action \
gives way to another; they are labelled by the shares.
2. **Training.** {steps:,} steps of {batch} clips with AdamW and Muon. From the third layer every \
token also predicts the joints in its patch and their velocity, which the renderer knows; that \
head is thrown away. Patch embeddings start as low spatial frequencies of frame differences.
3. **Evaluation.** Of the saved half-precision file, in single precision. A second of a timeline \
is scored by the mean logits of the 2-second windows that cover its middle.
"""
