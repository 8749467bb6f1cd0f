"""What int8 was calibrated on: looked for before a run, and kept after a calibration.

Of each model there is one, beside the converted one in the user's cache. It is made on this
machine from frames of the user's own videos (`vidtag.tagging.calibrating` takes them).
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy.typing as npt

from vidtag.models.classifier import Calibration, Clips
from vidtag.models.conversions import int8_facts, part_facts, read_notes
from vidtag.models.found import FoundModel, check_found, find_and_read
from vidtag.models.options import LoadOptions
from vidtag.models.refusals import refuse, wrong_option
from vidtag.models.still import still_rule


def is_calibrated(options: LoadOptions) -> bool:
    """Tell whether a model was calibrated for int8 on this machine.

    Raises:
        ModelError: It can't be had, or not in int8.
    """
    return _find_calibration(_find(options), is_fast=options.fast) is not None


def need_calibration(found: FoundModel, *, is_fast: bool) -> Calibration:
    """Return what a model was calibrated on.

    Args:
        found: The model.
        is_fast: Whether it is to run on some of its tokens, too.

    Raises:
        ModelLoadError: It was not calibrated.
        ModelOptionError: It can't be.
    """
    _refuse_words(found)
    calibration = _find_calibration(found, is_fast=is_fast)
    if calibration is None:
        raise refuse(
            found.files.name,
            "not_calibrated",
            "int8 has to be calibrated on videos of yours first, which vidtag VIDEOS "
            "--precision int8 does (in programs, vidtag.calibrate)",
        )
    return calibration


def keep_calibration(options: LoadOptions, clips: Clips, calibration: Calibration) -> None:
    """Quantise a model, and for `fast` also what runs on some of its tokens, and keep it.

    Args:
        options: Which model, and whether it is to be fast.
        clips: `(num_windows, T, S, S, 3)` uint8: windows of the user's videos.
        calibration: Where they come from.

    Raises:
        ModelLoadError: It can't be quantised or kept.
    """
    from vidtag.models.openvino_engine import keep_quantised

    found = _find(options)
    rule = still_rule(found.config, found.preprocessing) if options.fast else None
    samples: dict[str, Sequence[Sequence[npt.NDArray[Any]]]] = {
        "whole": [(clip[None],) for clip in clips]
    }
    if rule is not None:
        tokens = [rule.find(clip) for clip in clips]
        samples["some_tokens"] = [
            (clip[None], one.index[None], one.lengths[None])
            for clip, one in zip(clips, tokens, strict=True)
        ]
    keep_quantised(found.files, found.config, found.preprocessing, samples, asdict(calibration))


def _find(options: LoadOptions) -> FoundModel:
    found = check_found(*find_and_read(options))
    _refuse_words(found)
    return found


def _refuse_words(found: FoundModel) -> None:
    if found.config.kind.text is not None:
        raise wrong_option(
            found.files.name,
            "bad_precision",
            "int8 is not for models that compare videos with text; leave out --precision",
        )


def _find_calibration(found: FoundModel, *, is_fast: bool) -> Calibration | None:
    parts = ["whole"]
    if is_fast and still_rule(found.config, found.preprocessing) is not None:
        parts.append("some_tokens")
    notes = [read_notes(int8_facts(part_facts(found.facts, part))) for part in parts]
    if notes[0] is None or any(note != notes[0] for note in notes):
        return None
    try:
        return Calibration(
            content_ids=tuple(map(str, notes[0]["content_ids"])),
            num_windows=int(notes[0]["num_windows"]),
        )
    except (LookupError, TypeError, ValueError):
        return None
