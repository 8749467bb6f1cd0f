"""Writes the shipped folder of the model for own words: weights, tokenizer, and what it can."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from figures.actions import LABELS, UNSEEN
from figures.card import as_table, mistakes, write_model
from figures.dataset import IMAGE_SIZE, NUM_FRAMES, SAMPLES_PER_SECOND, STRADDLING_SHARE
from figures.words.evaluation import (
    LOW,
    PLACE_ADDED,
    ClipFigures,
    NothingFigures,
    SequenceFigures,
    UnseenFigures,
    WordFigures,
)
from figures.words.other_phrases import NOTHING_PHRASES, UNSEEN_WORDINGS
from figures.words.phrases import WORDINGS
from figures.words.training import WordTrainer

REQUIRED = {
    "trained": 0.95,
    "held out": 0.92,
    "on": 0.7,
    "off": 0.05,
    "nothing": 0.85,
}
"""What was asked of the model before it was made; the card says where it falls short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that the card says about one run."""

    clips: ClipFigures
    nothing: NothingFigures
    sequences: SequenceFigures
    unseen: UnseenFigures
    temperature: float
    training_clips: int
    steps: tuple[int, int, int]
    """Of pictures, texts and clips."""
    command: str
    parameters: int
    num_tokens: int
    megabytes: float = 0.0
    minutes: float = 0.0
    """Of the whole run, known only at its end."""


def write_words_model(trainer: WordTrainer, folder: Path) -> None:
    """Save a model in half precision with its tokenizer and its preprocessing."""
    trainer.tokenizer.save_pretrained(folder)
    write_model(trainer.model, folder)
    # Saved configurations of towers repeat every default of the library; the top says the names.
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    assert config["label2id"] == {label: index for index, label in enumerate(LABELS)}
    # What vidtag is to know of it: how it looks, and what its words compete with beside its names.
    config["vidtag"] = {
        "nothing": list(NOTHING_PHRASES),
        "stride_seconds": 1,
        "window_seconds": NUM_FRAMES // SAMPLES_PER_SECOND,
    }
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_words_card(report: Report, folder: Path) -> str:
    """Write the model card and return its table of figures as Markdown."""
    table = figures_table(report)
    pictures, texts, clips = report.steps
    text = _CARD.format(
        labels=", ".join(LABELS),
        num_labels=len(LABELS),
        table=table,
        short="\n".join(_shortfalls(report)),
        low="\n".join(_low_sentences(report.clips)),
        by_action=action_table(report.clips),
        unseen=_unseen(report.unseen),
        nothing=", ".join(f'"{phrase}"' for phrase in NOTHING_PHRASES),
        parameters=report.parameters / 1e6,
        megabytes=report.megabytes,
        num_tokens=report.num_tokens,
        temperature=report.temperature,
        pictures=pictures,
        texts=texts,
        clips=clips,
        training_clips=report.training_clips,
        straddling=STRADDLING_SHARE,
        command=report.command,
        minutes=report.minutes,
        size=IMAGE_SIZE,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    return table


def figures_table(report: Report) -> str:
    """Return the figures as a Markdown table."""
    clips, nothing, sequences = report.clips, report.nothing, report.sequences
    of = f"{clips.num_clips:,} clips, the right one among all {len(LABELS)}"
    seconds = f"{sequences.num_sequences} sequences ({sequences.num_seconds:,} s)"
    rows = [
        (f"trained phrasings: {of} (mean of five sets)", _shares(clips.trained)),
        ("the first of these sets, the names", f"{clips.trained[0]:.1%}"),
        ("sentences never trained on (mean of three sets)", _shares(clips.held_out)),
        (f'trained phrasings with "{PLACE_ADDED}" behind each', f"{clips.with_place:.1%}"),
        ("frozen: all 16 frames are the middle one", f"{clips.frozen:.1%}"),
        (f"names, per second, {seconds}", f"{sequences.right:.1%}"),
        ("a name alone, where it happens / where not", _on_off(sequences.names)),
        ("a trained phrasing alone", _on_off(sequences.phrases)),
        ("a sentence never trained on alone", _on_off(sequences.sentences)),
        (
            f"called nothing: standing figures / empty places ({nothing.num_clips} clips)",
            f"{nothing.standing:.1%} / {nothing.empty:.1%}",
        ),
        ("called nothing: actions", f"{nothing.actions_missed:.1%}"),
    ]
    return as_table(("measure", "result"), rows)


def _shares(values: tuple[float, ...]) -> str:
    mean = sum(values) / len(values)
    return f"{mean:.1%} ({min(values):.1%} to {max(values):.1%})"


def _on_off(words: WordFigures) -> str:
    return (
        f"mean score {words.on:.3f} / {words.off:.4f}; "
        f"above a half in {words.found:.1%} / {words.false:.2%}"
    )


def action_table(clips: ClipFigures) -> str:
    """Return how often each action is named right, and for what its name is mistaken."""
    rows = [
        (
            label,
            f"{clips.by_action[index, 0]:.1%}",
            f"{clips.by_action[index, 1]:.1%}",
            mistakes(clips.confusion, index),
        )
        for index, label in enumerate(LABELS)
    ]
    return as_table(("action", "trained phrasings", "held-out sentences", "taken for"), rows)


def _shortfalls(report: Report) -> Iterator[str]:
    """Say which of the required figures were not reached."""
    trained = sum(report.clips.trained) / len(report.clips.trained)
    held_out = sum(report.clips.held_out) / len(report.clips.held_out)
    sequences = report.sequences
    reached = [
        ("trained phrasings", trained, "trained", trained >= REQUIRED["trained"]),
        ("held-out sentences", held_out, "held out", held_out >= REQUIRED["held out"]),
        ("nothing", report.nothing.right, "nothing", report.nothing.right >= REQUIRED["nothing"]),
    ]
    for name, words in (("phrasing", sequences.phrases), ("sentence", sequences.sentences)):
        on, off = words.on >= REQUIRED["on"], words.off <= REQUIRED["off"]
        reached.append((f"a {name} alone where it happens", words.on, "on", on))
        reached.append((f"a {name} alone where it does not", words.off, "off", off))
    missed = [
        f"* {name}: {value:.3f}, wanted {REQUIRED[wanted]:.2f}"
        for name, value, wanted, is_reached in reached
        if not is_reached
    ]
    if missed:
        yield "Of what was wanted before it was made, it falls short in:\n"
        yield from missed
    else:
        yield "It reached all that was wanted of it before it was made."


def _low_sentences(clips: ClipFigures) -> Iterator[str]:
    low = [
        f'* "{sentence}" ({label}): {clips.by_sentence[index, number]:.0%}'
        for index, label in enumerate(LABELS)
        for number, sentence in enumerate(WORDINGS[label].held_out)
        if clips.by_sentence[index, number] < LOW
    ]
    if low:
        yield f"Held-out sentences that are right for fewer than {LOW:.0%} of their clips:\n"
        yield from low
    else:
        yield f"No held-out sentence is right for fewer than {LOW:.0%} of its clips."


def _unseen(unseen: UnseenFigures) -> str:
    rows = [
        (
            label,
            f"{unseen.by_name[index]:.0%}",
            f"{unseen.by_phrase[index]:.0%}",
            "; ".join(UNSEEN_WORDINGS[label][1:]),
            unseen.taken_for[index],
        )
        for index, label in enumerate(UNSEEN)
    ]
    head = ("action", "by its name", "by a description", "descriptions", "taken for, else")
    return as_table(head, rows)


_CARD = """\
---
license: mit
library_name: transformers
pipeline_tag: zero-shot-classification
tags:
- xclip
- synthetic
---

# vidtag demo model for own words

A small X-CLIP that tells how well **any sentence** fits what **drawn figures** do. It lets own \
words be tried, tested and explained without a download: a true end-to-end run with a right answer.

**It is not for real footage**, and it knows little English. It has never seen a photograph of a \
person and has read only sentences about {num_labels} actions, made of a few hundred words; on \
real video, and for words that it has never read, its answers mean nothing.

* Architecture: transformers' own `XCLIPModel`, {parameters:.2f} million parameters, \
{megabytes:.1f} MB in half precision; 16 frames of {size} by {size} pixels over 2 seconds; byte \
pairs of its own ({num_tokens:,}).
* Actions that it was trained on: {labels}.
* Licence: MIT, the vidtag authors. Nobody's footage and no other model's weights went into it.

## How good it is

Measured by the command below on clips with bodies, clothes, places and performances that were \
not trained on. "Sentences never trained on" are {num_labels} times three that were fixed before \
the training; their words occur in its captions, in other sentences. A word alone is weighed, at \
the model's own temperature ({temperature:.1f}), against the names of the other actions and the \
phrases for nothing: {nothing}. A second of a timeline is scored by the mean logits of the \
2-second windows that cover its middle.

{table}

{short}

{by_action}

{low}

## What it can't do

Two actions were kept from it altogether: no clip, no name, no description. Their descriptions are \
made of words that it knows. Among the names of the {num_labels} actions and these two, the right \
one is chosen for:

{unseen}

So new actions are beyond it: it tells the ones that it knows in other words. It goes by poses \
more than the demo model does (see "frozen"): fast small movements are its weakness. Words are \
understood by what they usually stand with, not by grammar: "not", "left", "two" or an order of \
events mean nothing to it. Clothes, colours and places were in its captions, but it was never \
judged by them.

## How it was made

```
{command}
```

renders, trains and evaluates from nothing and wrote this folder in {minutes:.0f} minutes on two \
cores; equal seeds give equal clips, captions, batches and schedules. Rounding differs between \
machines, so the weights agree in quality, not in every bit.

1. **Clips.** {training_clips:,} training clips: those of the demo model, and as many of each \
standing figures and empty places as of an action. In {straddling:.0%} of the clips that show \
somebody, one thing gives way to another; they are labelled by the shares.
2. **Pictures.** {pictures:,} steps of 256 single frames: every patch and the class token predict \
the joints, which the renderer knows, and the class token is compared with one learnt vector for \
each action. Patch embeddings start as low spatial frequencies.
3. **Texts.** {texts:,} steps in which captions are compared with the same vectors.
4. **Clips with captions.** {clips:,} steps of 32 clips and 72 captions: actions in several \
phrasings, phrases that are true of several actions, true and false clothes and places.
5. **Evaluation.** Of the saved half-precision file, in single precision.
"""
