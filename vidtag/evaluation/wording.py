"""The figures of an evaluation in words, for a table and for a page."""

from collections.abc import Iterator
from dataclasses import dataclass

from vidtag.documents.headline import NONE_OF_THESE
from vidtag.evaluation.figures import Evaluation
from vidtag.evaluation.intervals import Figure
from vidtag.evaluation.result import Evaluated
from vidtag.seconds import format_seconds

LEAST_SECONDS = 0.05
"""What is printed as more than 0.0 s: a timeline and a label file round in other places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """A figure with its name."""

    name: str
    """Such as `top-1`."""

    figure: Figure
    """The figure."""

    value: str
    """The same in words."""

    interval: str
    """Between which values it lies, in words; empty for one video."""

    meaning: str
    """What it says, in a sentence."""


def figure_rows(found: Evaluation) -> Iterator[FigureRow]:
    """Name all figures that could be measured."""
    of_what = "clips" if found.num_clips else "steps in which a label holds"
    told = [
        ("top-1", found.top1, "Clips whose label is the best."),
        ("top-5", found.top5, "Clips whose label is among the best five."),
        ("mean per class", found.mean_class, "Mean over the labels of their clips that are right."),
        ("per second", found.per_second, "Time of which the right label was said, or none."),
        *(
            (f"F1 at {100 * least:.0f} %", one, f"Segments that overlap by {100 * least:.0f} %.")
            for least, one in found.f1.items()
        ),
        ("mAP 0.5 to 0.95", found.map_activitynet, "Mean over overlaps, as ActivityNet's."),
        ("mAP 0.3 to 0.7", found.map_thumos, "Mean over overlaps, as told of THUMOS14."),
    ]
    for name, figure, meaning in told:
        if figure is not None:
            yield FigureRow(
                name=name,
                figure=figure,
                value=f"{100 * figure.value:.1f} %",
                interval=_between(figure, 100, 1),
                meaning=meaning,
            )
    if found.ece is not None:
        yield FigureRow(
            name="ECE",
            figure=found.ece,
            value=f"{found.ece.value:.3f}",
            interval=_between(found.ece, 1, 3),
            meaning=f"How far scores are from the share that is right, over {of_what}.",
        )


def _between(figure: Figure, factor: int, digits: int) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f"{factor * figure.low:.{digits}f} to {factor * figure.high:.{digits}f}"


def describe_data(result: Evaluated) -> str:
    """Say what was evaluated, in a phrase.

    `120 clips and 3 untrimmed videos (2:10)`.
    """
    found = result.evaluation
    parts = [count(found.num_clips, "clip")] if found.num_clips else []
    if found.num_untrimmed:
        length = format_seconds(round(found.seconds))
        parts.append(f"{count(found.num_untrimmed, 'untrimmed video')} ({length})")
    failed = f"; {count(len(result.failures), 'video')} failed" if result.failures else ""
    return " and ".join(parts) + failed


def describe_fit(result: Evaluated) -> str:
    """Say what calibration changed; nothing where it was not asked for."""
    fitted = result.evaluation.fitted
    if fitted is None:
        return ""
    what = "clip" if result.evaluation.num_clips else "step"
    if not fitted.is_found:
        return (
            f"{count(fitted.num_clips, what)} can't say how sure the model may be, since all that "
            "it says of them is right, or none of it is better than chance; add harder ones."
        )
    return (
        f"With temperature {fitted.temperature:.3f}, fitted on {count(fitted.num_clips, what)}, "
        f"ECE there goes from {fitted.ece_before:.3f} to {fitted.ece_after:.3f}."
    )


def describe_confusions(found: Evaluation, most: int = 5) -> Iterator[str]:
    """Tell what was mistaken for what most often."""
    if found.clip_confusions is not None:
        for true, said, amount in found.clip_confusions.pairs()[:most]:
            yield f"{name_label(true)} taken for {name_label(said)}: {count(int(amount), 'clip')}"
    if found.time_confusions is not None:
        for true, said, amount in found.time_confusions.pairs()[:most]:
            if amount < LEAST_SECONDS:
                return
            yield f"{name_label(true)} taken for {name_label(said)}: {amount:.1f} s"


def name_label(label: str | None) -> str:
    """Name a label, or what stands for none."""
    return NONE_OF_THESE if label is None else label


def count(number: int, what: str) -> str:
    """Write how many there are of something.

    >>> count(1, "clip"), count(2, "clip")
    ('1 clip', '2 clips')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
