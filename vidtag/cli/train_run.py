"""A training as the command line shows it: what it learned from, how well it does, what is next."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from vidtag.aliases import ALIASES
from vidtag.cache.scores import ScoreStore
from vidtag.cli.speaking import print_drawing, print_line, say
from vidtag.cli.waiting import Count, counting, waiting
from vidtag.errors import OutputError, UsageError
from vidtag.formats.truths.reading import read_truths
from vidtag.models.options import LoadOptions
from vidtag.tagging.settings import Settings
from vidtag.text import printable
from vidtag.training.figures import Figures, count_windows, judge
from vidtag.training.head_training import Trained, TrainOptions, train_head
from vidtag.version import __version__

if TYPE_CHECKING:
    from vidtag.training.fine_tuning import FullOptions

_MOST_CONFUSED = 5
"""Pairs that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What the command line asked for, besides the model and the windows."""

    data: str
    """Labels."""
    folder: str
    """Where the model goes."""
    videos: str | None = None
    """Where videos lie that the labels name."""
    seed: int = 0
    """Decides what is held out."""
    force: bool = False
    """Replace also what was not trained by vidtag."""
    as_json: bool = False
    """Print figures for programs."""
    quiet: bool = False
    """Errors alone on stderr."""


def run_train(
    request: TrainRequest,
    load: LoadOptions,
    settings: Settings,
    store: ScoreStore | None,
    full: "FullOptions | None" = None,
) -> None:
    """Train, write the model, and say what came of it.

    Raises:
        UsageError: The folder is something else than a model that vidtag trained.
        TruthError: The labels can't be read, or are of fewer than two classes.
        VideoError: Not one of the videos can be read.
        ModelError: The model can't be had, or fails.
        OutputError: The folder can't be written.
    """
    refuse_foreign_folder(request.folder, [request.data, *base_folder(load)], force=request.force)
    truths = read_truths(request.data, videos=request.videos)
    refuse_inputs_within(request.folder, [video.path for video in truths.videos])
    if not request.quiet:
        for note in truths.notes:
            say(note)
    doing = "reading" if full is None else "training"
    with shown_training(doing, quiet=request.quiet) as (tell, advance):
        if full is not None:
            from vidtag.training.fine_tuning import train_full

            trained = train_full(truths, request.folder, full, tell=tell, advance=advance)
        else:
            options = TrainOptions(load=load, settings=settings, seed=request.seed)
            trained = train_head(
                truths, request.folder, options, store=store, tell=tell, advance=advance
            )
    if not request.quiet:
        for note in trained.examples.notes[len(truths.notes) :]:
            say(note)
    if request.as_json:
        print_line(json.dumps(to_plain(trained), indent=2 if sys.stdout.isatty() else None))
    else:
        _print(trained)
    if not request.quiet:
        folder = shlex.quote(as_model(request.folder))
        say(f"wrote {request.folder} in {trained.seconds:.0f} s: vidtag VIDEO -m {folder}")


def as_model(folder: str) -> str:
    """Name a folder so that it is taken for one: an alias of this name would win."""
    return os.path.join(".", folder) if folder in ALIASES else folder


@contextmanager
def shown_training(
    doing: str, *, quiet: bool
) -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """Show on a terminal what a training does, and how long it takes yet.

    Args:
        doing: What is counted.
        quiet: Show nothing.

    Yields:
        What is told in a line what takes long, and what is told how much is done.
    """
    with waiting("loading the model", quiet=quiet) as shown, ExitStack() as stack:
        count: Count | None = None
        is_done = False

        def tell(line: str) -> None:
            if not quiet:
                (shown if count is None or is_done else count).tell(line)

        def advance(done: int, total: int) -> None:
            nonlocal count, is_done
            if is_done:
                return
            if count is None:  # two live views at once would draw over each other
                shown.end()
                count = stack.enter_context(counting(doing, quiet=quiet))
            count(done, total)
            if done == total:
                is_done = True
                stack.close()
                shown.begin("finishing")

        try:
            yield tell, advance
        except KeyboardInterrupt:
            shown.end()
            if count is not None and not quiet:
                say("stopped; the same command goes on where it was")
            raise


def base_folder(load: LoadOptions) -> list[str]:
    """Give the folder of the model that a training begins with, where the user named one."""
    return [] if load.name in ALIASES else [os.path.expanduser(load.name)]


def refuse_inputs_within(folder: str, read: Iterable[str]) -> None:
    """Refuse to replace a folder from which something is read; no option allows that.

    Args:
        folder: Where the model goes.
        read: What is read: files and folders; what is neither is passed over.

    Raises:
        UsageError: One of them is the folder, or lies in it.
    """
    if not os.path.isdir(folder):
        return
    target = os.path.realpath(folder)
    for path in read:
        if os.path.exists(path) and Path(os.path.realpath(path)).is_relative_to(target):
            raise UsageError(
                f"'{path}' is read and would be overwritten by '{folder}'; name another folder "
                "for the model."
            )


def refuse_foreign_folder(folder: str, read: Iterable[str], *, force: bool) -> None:
    """Refuse to replace what vidtag did not train, and what is read, whoever made it.

    Args:
        folder: Where the model goes.
        read: What is read.
        force: Replace also what vidtag did not train.

    Raises:
        UsageError: Something else has this name.
        OutputError: It is no folder.
    """
    if not os.path.lexists(folder):
        return
    if not os.path.isdir(folder):
        raise OutputError(folder, f"'{folder}' is a file, and a model is a folder; name another.")
    refuse_inputs_within(folder, read)
    if force or not os.listdir(folder):
        return
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            is_ours = "trained" in (json.load(file).get("vidtag") or {})
    except (OSError, ValueError, AttributeError):
        is_ours = False
    if not is_ours:
        raise UsageError(
            f"'{folder}' was not made by vidtag train and would be overwritten; name another "
            "folder, or add --force."
        )


def to_plain(trained: Trained) -> dict[str, Any]:
    """Give the figures for programs."""
    outcome, examples = trained.outcome, trained.examples
    figures = judge(outcome)
    return {
        "schema_version": 1,
        "vidtag_version": __version__,
        "base": trained.base,
        "labels": [
            {"label": label, "videos": videos, "windows": windows}
            for label, videos, windows in count_windows(examples, outcome.classes)
        ],
        "notes": list(examples.notes),
        "held_out": outcome.held_out,
        "recipe": outcome.recipe,
        "temperature": round(outcome.temperature, 6),
        "unseen": None if figures is None else _plain_figures(figures),
    }


def _plain_figures(figures: Figures) -> dict[str, Any]:
    return {
        "counted": figures.what,
        "number": figures.num,
        "videos": figures.num_videos,
        "top1": round(figures.accuracy, 6),
        "mean_class": round(figures.mean_class, 6),
        "per_class": [
            {"label": label, "right": round(share, 6), "number": number}
            for label, share, number in figures.per_class
        ],
        "confused": [
            {"true": true, "said": said, "number": number}
            for true, said, number in figures.confused
        ],
    }


def _print(trained: Trained) -> None:
    outcome = trained.outcome
    figures = judge(outcome)
    right = {} if figures is None else {label: share for label, share, _ in figures.per_class}
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("label", style="bold", overflow="ellipsis", no_wrap=True)
    for name in ("videos", "windows", "right, unseen"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, videos, windows in count_windows(trained.examples, outcome.classes):
        share = f"{right[label]:.0%}" if label in right else "not known"
        table.add_row(Text(printable(label)), str(videos), str(windows), share)
    lines = [""]
    if figures is None:
        lines.append("How well it does is not known: each label has one video alone.")
    else:
        lines.append(
            f"Of {figures.num} {figures.what}s that it had not seen, {figures.accuracy:.1%} are "
            f"right (mean of the labels {figures.mean_class:.1%}); held out: {outcome.held_out}."
        )
    if figures is not None and figures.confused:
        named = [
            f"{printable(true)} for {printable(said)} ({number})"
            for true, said, number in figures.confused[:_MOST_CONFUSED]
        ]
        lines.append(f"Taken for another: {', '.join(named)}.")
    print_drawing(Group(table, *map(Text, lines)))
