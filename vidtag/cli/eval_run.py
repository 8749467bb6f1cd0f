"""Labelled videos through a model, and what is told of how well it did."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from vidtag.cache.scores import ScoreStore
from vidtag.cli.calibrating import calibrate_first
from vidtag.cli.speaking import complain, print_line, say
from vidtag.cli.waiting import counted
from vidtag.errors import ExitCode, UsageError, VideoError
from vidtag.evaluation.figures import evaluate
from vidtag.evaluation.outcomes import Names, Outcome, TimeOutcome, without_none
from vidtag.evaluation.result import Evaluated, to_json
from vidtag.evaluation.running import Judge
from vidtag.evaluation.temperature import check_keeps_temperature, keep_temperature
from vidtag.evaluation.views import Views
from vidtag.evaluation.wording import LEAST_SECONDS, count, describe_fit
from vidtag.formats.truths.gathering import quoted, subset_of
from vidtag.formats.truths.reading import read_truths
from vidtag.formats.truths.truth import LabelledVideo, Truths
from vidtag.inputs.found import Input
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.outputs import write_whole
from vidtag.outputs.atomic import check_writable_file
from vidtag.outputs.replacing import find_read, refuse_to_destroy
from vidtag.stopping import check
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.text import encode

Format = Literal["table", "json", "html"]

_SUFFIXES: dict[str, Format] = {".html": "html", ".htm": "html", ".json": "json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is evaluated, and where that is told."""

    data: str
    """The labels."""

    result_format: Format | None
    """As asked for."""

    output: str | None
    """A file, or stdout."""

    videos: str | None
    """Folder in which videos are looked for first."""

    subset: str | None
    """Which of the videos; all where `None`."""

    views: str | None
    """`5x3`, as the user wrote it."""

    calibrates: bool
    """Whether a temperature is fitted and kept."""

    also_read: tuple[str, ...]
    """Other files that are read."""

    quiet: bool
    """Whether errors alone are told."""


def run_eval(
    wishes: Wishes, load: LoadOptions, settings: Settings, store: ScoreStore | None
) -> int:
    """Evaluate a model, tell what came of it, and return the exit code.

    Raises:
        UsageError: What was asked for does not go together, or the labels can't be used.
        ModelError: The model can't be loaded, or failed.
        OutputError: The result can't be written.
    """
    told_as = _choose_format(wishes)
    views = _read_views(wishes)
    config = None
    if wishes.calibrates:
        _refuse_uncalibratable(views, settings, load)
        config = check_keeps_temperature(None if load.model is None else str(load.model))
    truths = read_truths(wishes.data, videos=wishes.videos)
    videos = _choose(truths, wishes)
    if wishes.output is not None:
        read = [*(video.path for video in videos), wishes.data, load.name, *wishes.also_read]
        refuse_to_destroy([wishes.output], find_read(read))
        check_writable_file(wishes.output)
    if views is not None and not any(video.label is not None for video in videos):
        raise UsageError("--views is for labelled clips, and these videos have stretches of time.")
    tell = None if wishes.quiet else say
    inputs = [Input(source=one.path, name=PurePosixPath(one.path)) for one in videos]
    calibrate_first(load, settings, inputs, tell)
    tagger = Tagger(load_classifier(load, tell), settings, store=store)
    videos = [without_none(one, tagger.labels) for one in videos]
    names = _match_labels(tagger, videos, wishes.data)
    notes = (*truths.notes, *_notes_on_labels(names, videos), *_notes_on_views(views, videos))
    info = tagger.classifier.info
    if not wishes.quiet:
        for message in (*(note.message for note in info.notes), *notes):
            complain(f"warning: {message}")
    judge = Judge(
        tagger=tagger, settings=settings, names=names, views=views,
        keeps_scores=wishes.calibrates,
    )  # fmt: skip
    outcomes, failures = _judge(judge, videos, quiet=wishes.quiet)
    if not outcomes:
        return ExitCode.FAILED
    late = _notes_on_ends(outcomes)
    if not wishes.quiet:
        for message in late:
            complain(f"warning: {message}")
    evaluation = evaluate(
        outcomes,
        names,
        calibrates=wishes.calibrates,
        temperature=getattr(info, "temperature", None) or 1.0,
        has_none=info.num_background > 0,
    )
    result = Evaluated(
        data=wishes.data, model=info, settings=settings, views=views, names=names,
        evaluation=evaluation, failures=failures, notes=(*notes, *late),
        paths=tuple(one.path for one in outcomes),
    )  # fmt: skip
    _tell(result, told_as, wishes)
    if config is not None and not _keep(result, config, quiet=wishes.quiet):
        return ExitCode.FAILED
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def _choose_format(wishes: Wishes) -> Format:
    """Decide what is written, from -f and from the suffix of -o."""
    if wishes.output is None:
        if wishes.result_format == "html":
            raise UsageError("A page has pictures and links, so it goes into a file: add -o PATH.")
        return wishes.result_format or "table"
    meant = _SUFFIXES.get(os.path.splitext(wishes.output)[1].lower())
    if meant is None or wishes.result_format not in (None, meant):
        raise UsageError(
            f"'{wishes.output}' must end in .html for a page or in .json for JSON"
            + (f", and fit -f {wishes.result_format}." if wishes.result_format else ".")
        )
    return meant


def _read_views(wishes: Wishes) -> Views | None:
    if wishes.views is None:
        return None
    try:
        return Views.parse(wishes.views)
    except ValueError as exc:
        raise UsageError(f"--views: {exc}") from None


def _refuse_uncalibratable(views: Views | None, settings: Settings, load: LoadOptions) -> None:
    """Refuse to fit a temperature to other scores than those that it will be applied to."""
    if views is not None or settings.average != "logits":
        raise UsageError(
            "--calibrate fits what tagging does: leave --views and --average probs out."
        )
    if load.labels:
        raise UsageError("--calibrate fits a model's own labels: leave --label out.")


def _choose(truths: Truths, wishes: Wishes) -> list[LabelledVideo]:
    wanted = subset_of(wishes.subset)  # the files' own words were put into the same
    videos = [one for one in truths.videos if wanted in (None, one.subset)]
    if videos:
        return videos
    if truths.videos:
        known = sorted({one.subset for one in truths.videos if one.subset is not None})
        told = f"it has {', '.join(known)}" if known else "it names none"
        raise UsageError(f"'{wishes.data}' has no video of the subset '{wishes.subset}'; {told}.")
    raise UsageError(f"'{wishes.data}' has no labelled video whose file is there.")


def _match_labels(tagger: Tagger, videos: list[LabelledVideo], data: str) -> Names:
    """Find the labels of the data among those of the model.

    Raises:
        UsageError: It knows none of them.
    """
    whole = {video.label for video in videos if video.label is not None}
    labels = sorted(whole | {one.label for video in videos for one in video.segments})
    names = Names.match(tagger.labels, labels)
    if labels and len(names.unknown) == len(labels):
        raise UsageError(
            f"The model knows no label of '{data}', such as '{labels[0]}'; vidtag labels -m MODEL "
            "lists those that it knows."
        )
    return names


def _notes_on_labels(names: Names, videos: list[LabelledVideo]) -> tuple[str, ...]:
    notes = []
    if names.respelled:
        first, ours = names.respelled[0]
        notes.append(
            "Labels that the model spells otherwise count as the same: "
            f"{len(names.respelled)}, such as '{first}' for '{ours}'."
        )
    if names.unknown:
        unknown = set(names.unknown)
        used = [
            video.label in unknown or any(one.label in unknown for one in video.segments)
            for video in videos
        ]
        listed = ", ".join(f"'{label}'" for label in names.unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        notes.append(
            f"The model does not know {len(unknown)} of the labels ({listed}{more}); that of "
            f"{sum(used)} of {len(videos)} videos counts as not found."
        )
    return tuple(notes)


def _notes_on_views(views: Views | None, videos: list[LabelledVideo]) -> tuple[str, ...]:
    num_untrimmed = sum(video.label is None for video in videos)
    if views is None or not num_untrimmed:
        return ()
    return (f"--views is for clips; untrimmed videos ({num_untrimmed}) were run as ever.",)


def _notes_on_ends(outcomes: list[Outcome]) -> tuple[str, ...]:
    """Say which labels are of no time of their video: such a file may be of another cut of it."""
    times = [one for one in outcomes if isinstance(one, TimeOutcome)]
    beyond = [(one, stretch) for one in times for stretch in one.true
              if stretch.end > one.end + LEAST_SECONDS]  # fmt: skip
    notes = []
    for found, what in (
        ([one for one, stretch in beyond if stretch.start < one.end], "going on after"),
        ([one for one, stretch in beyond if stretch.start >= one.end], "beginning after"),
    ):
        if found:
            shown = quoted(found[0].path)
            notes.append(
                f"The labels have {count(len(found), 'range')} {what} the video's end, such as in "
                f"{shown}; what is not there counts as not found."
            )
    return tuple(notes)


def _judge(
    judge: Judge, videos: list[LabelledVideo], *, quiet: bool
) -> tuple[list[Outcome], tuple[tuple[str, str], ...]]:
    """Run the model on each video; one that fails costs itself alone."""
    outcomes: list[Outcome] = []
    failures: list[tuple[str, str]] = []
    for video in counted(videos, "evaluating", total=len(videos), quiet=quiet):
        check()
        try:
            outcomes.append(judge.judge(video))
        except VideoError as exc:
            complain(f"error: {exc}")
            failures.append((video.path, str(exc)))
    return outcomes, tuple(failures)


def _keep(result: Evaluated, config: Path, *, quiet: bool) -> bool:
    """Keep a temperature where there is one, and tell whether there is."""
    fitted = result.evaluation.fitted
    if fitted is None:
        complain("error: No video has a label that the model knows, so there is nothing to fit.")
        return False
    if not fitted.is_found:
        complain(f"error: No temperature was kept: {describe_fit(result)}")
        return False
    keep_temperature(config, round(fitted.temperature, 6), fitted.num_clips)
    if not quiet:
        say(f"wrote the temperature {fitted.temperature:.3f} into {config}")
    return True


def _tell(result: Evaluated, told_as: Format, wishes: Wishes) -> None:
    output = wishes.output
    if output is None and told_as == "json":
        print_line(to_json(result, indent=2 if sys.stdout.isatty() else None))
    elif output is None:
        from vidtag.cli.eval_table import print_evaluation

        print_evaluation(result)
    elif told_as == "json":
        write_whole(output, [encode(to_json(result, indent=2) + "\n")])
    else:
        from vidtag.evaluation.page import write_page

        write_whole(output, [encode(write_page(result, output))])
    if output is not None and not wishes.quiet:
        say(f"wrote {output}")
