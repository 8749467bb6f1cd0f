"""Each video twice, exactly and with a shortcut, and a table of how far they agree."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from vidtag.cli.calibrating import calibrate_first
from vidtag.cli.speaking import complain, print_line, say
from vidtag.cli.waiting import counted
from vidtag.errors import ExitCode, UsageError, VideoError
from vidtag.formats.table_drawing import shortened_name
from vidtag.inputs.found import Inputs
from vidtag.models.classifier import Classifier
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.stopping import check
from vidtag.tagging.comparing import Agreement, compare_runs, sum_up
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.terminal import plain_text, printing
from vidtag.text import printable
from vidtag.version import __version__


def run_compare(
    inputs: Inputs, load: LoadOptions, settings: Settings, *, as_json: bool, quiet: bool
) -> int:
    """Compare all inputs, print what came of it, and return the exit code.

    Raises:
        UsageError: The model has no such shortcut.
        ModelError: The model can't be loaded, or failed.
    """
    for failure in inputs.failures:
        complain(f"error: {failure}")
    tell = None if quiet else say
    calibrate_first(load, settings, inputs.items, tell)
    exact_load = replace(load, fast=False)
    if load.precision == "int8":
        exact_load = replace(exact_load, precision="auto", engine="openvino", device="cpu")
    exact = Tagger(load_classifier(exact_load, tell), settings)
    shortcut = Tagger(load_classifier(load, tell), settings)
    _refuse_equal(exact.classifier, shortcut.classifier, load)
    for tagger in (exact, shortcut):
        _warm_up(tagger.classifier)
    agreements: list[Agreement] = []
    num_failed = len(inputs.failures)
    for item in counted(inputs.items, "comparing", total=len(inputs.items), quiet=quiet):
        check()
        try:
            agreements.append(
                compare_runs(exact.score(item.source), shortcut.score(item.source), settings)
            )
        except VideoError as exc:
            complain(f"error: {exc}")
            num_failed += 1
    if agreements:
        total = sum_up(agreements)
        if as_json:
            print_line(_as_json(exact, shortcut, agreements, total))
        else:
            _print_table(agreements, total)
    if not num_failed:
        return ExitCode.DONE
    return ExitCode.SOME_FAILED if agreements else ExitCode.FAILED


def _refuse_equal(exact: Classifier, shortcut: Classifier, load: LoadOptions) -> None:
    """Refuse to compare a model with itself, where it has no such shortcut."""
    is_fast = shortcut.info.is_fast
    if load.fast and not is_fast and shortcut.info.precision == exact.info.precision:
        told = [note.message for note in shortcut.info.notes if note.code == "not_faster"]
        raise UsageError(f"{' '.join(told)} There is nothing to compare.")


def _warm_up(classifier: Classifier) -> None:
    """Load all that a run needs, so that the first video does not pay for it."""
    size = (1, classifier.info.num_frames, classifier.info.image_size, classifier.info.image_size)
    classifier.logits(np.zeros((*size, 3), np.uint8))
    moving = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    classifier.logits(moving)


def _as_json(
    exact: Tagger, shortcut: Tagger, agreements: Sequence[Agreement], total: Agreement
) -> str:
    def plain(one: Agreement) -> dict[str, Any]:
        ratios = {"model_ratio": round(one.model_ratio, 2), "ratio": round(one.ratio, 2)}
        return {**one.to_dict(), "same_share": round(one.same_share, 6), **ratios}

    def engine(tagger: Tagger) -> dict[str, Any]:
        info = tagger.classifier.info
        return {
            "name": info.engine,
            "device": info.device,
            "precision": info.precision,
            "fast": info.is_fast,
            "still_threshold": info.still_threshold,
            "calibrated_on": list(info.calibration.content_ids) if info.calibration else None,
        }

    info = exact.classifier.info
    return json.dumps(
        {
            "schema_version": 1,
            "vidtag_version": __version__,
            "model": {"id": info.model_id, "revision": info.revision},
            "exact": engine(exact),
            "shortcut": engine(shortcut),
            "videos": [plain(one) for one in agreements],
            "all": plain(total),
        },
        indent=2 if sys.stdout.isatty() else None,
        ensure_ascii=False,
        allow_nan=False,
    )


_COLUMNS = ("video", "same label", "change", "moved", "still", "model", "run")
_GAP = 2
_LEAST_NAME = 12
"""Columns that a video's name gets, however narrow the terminal is."""


def comparison_table(
    agreements: Sequence[Agreement], total: Agreement, width: int | None = None
) -> Table:
    """Make a row of each video, and one of all where there are several.

    Args:
        agreements: What came of each.
        total: What came of all.
        width: Columns of the terminal, to which names are shortened; `None` for a file or pipe.
    """
    several = len(agreements) > 1
    rows = [_cells(one) for one in (*agreements, *([total] if several else []))]
    widths = [
        max(cell_len(cell) for cell in column) for column in zip(_COLUMNS, *rows, strict=True)
    ]
    room = widths[0]
    if width is not None:
        room = max(_LEAST_NAME, min(room, width - sum(widths[1:]) - _GAP * len(widths)))
    table = Table(box=None, header_style="dim", padding=(0, _GAP, 0, 0), pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "video" else "right", no_wrap=True)
    for number, (name, *cells) in enumerate(rows):
        is_total = several and number == len(agreements)
        table.add_row(shortened_name(name, room), *cells, style="bold" if is_total else "")
    return table


def _cells(one: Agreement) -> tuple[str, ...]:
    return (
        printable(one.path),
        f"{one.num_same_steps} of {one.num_steps}",
        f"{one.mean_change:.3f} to {one.largest_change:.2f}",
        _moved(one),
        "" if one.still_share is None else f"{100 * one.still_share:.0f} %",
        f"{one.model_ratio:.2f}x",
        f"{one.ratio:.2f}x",
    )


def _moved(one: Agreement) -> str:
    """Say how many segments moved, how far at most, and what else became of them."""
    said = f"{one.num_moved_segments} of {one.num_segments}"
    if one.num_moved_segments:
        said += f", {one.most_moved_seconds:g} s"
    changes = [f"-{one.num_lost_segments}"] if one.num_lost_segments else []
    changes += [f"+{one.num_new_segments}"] if one.num_new_segments else []
    return f"{said} ({' '.join(changes)})" if changes else said


def _print_table(agreements: Sequence[Agreement], total: Agreement) -> None:
    with printing():
        share, model, run = 100 * total.same_share, total.exact_model_seconds, total.exact_seconds
        lines = (
            f"{share:.1f} % of {total.num_steps} steps have the same best label. In the model "
            f"{model:.1f} s became {total.model_seconds:.1f} s, in all {run:.1f} s became "
            f"{total.seconds:.1f} s."
        )
        if sys.stdout.isatty():
            console = Console(highlight=False)
            console.print(comparison_table(agreements, total, console.width))
            console.print(f"\n{lines}")
        else:
            table = plain_text(comparison_table(agreements, total))
            sys.stdout.write(f"{table}\n{lines}\n")
