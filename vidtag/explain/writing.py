"""Explanations as files: what `-o` means for them, and what goes into which file.

What may be overwritten is the business of `vidtag.outputs`, as for every command.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from vidtag.errors import UsageError
from vidtag.explain.pictures import (
    ANIMATION_SUFFIXES,
    ExplainedClip,
    draw_sheet,
    encode_animation,
    encode_png,
)
from vidtag.explain.run import VideoExplanation, to_json
from vidtag.outputs import refuse_twice, write_whole
from vidtag.outputs.atomic import (
    check_replaceable,
    check_writable_file,
    check_writable_folder,
    clear_temporaries,
    make_folder,
)
from vidtag.outputs.destination import is_folder
from vidtag.outputs.records import Records
from vidtag.outputs.replacing import find_read, is_foreign, refuse_foreign, refuse_to_destroy
from vidtag.text import encodable
from vidtag.urls import without_credentials

OUTPUT_SUFFIXES = (*ANIMATION_SUFFIXES, ".png", ".json")
"""What `-o` can end in; anything else is a folder."""

_FOLDER_SUFFIXES = (".mp4", ".png", ".json")
"""What is written into a folder."""


def check_outputs(
    outputs: Sequence[str], source: str, *, also_read: Iterable[str] = (), force: bool = False
) -> None:
    """Check before any work where explanations go, and make the output folder.

    Args:
        outputs: Files that end in one of `OUTPUT_SUFFIXES`, or one folder.
        source: The video that is explained.
        also_read: Other files that are read, or folders of such, as that of a model.
        force: Whether files in the folder that vidtag did not make are replaced.

    Raises:
        UsageError: A name does not say what to write, or something of the user's would be
            overwritten by mistake.
        OutputError: The folder or file can't be written to.
    """
    read = find_read([source, *also_read])
    refuse_twice(outputs)
    for output in outputs:
        paths = _targets(output, source)
        if not paths or (is_folder(output) and len(outputs) > 1):
            raise UsageError(
                f"'{output}' must end in {', '.join(OUTPUT_SUFFIXES)}, or in / for a folder, which "
                "then stands alone."
            )
        for path in paths:
            refuse_to_destroy([path], read, makes_media=not path.lower().endswith(".json"))
        if is_folder(output):
            records = Records(output)
            refuse_foreign(_not_made_together(paths, records), records, force=force)
    for output in outputs:
        if not is_folder(output):
            check_writable_file(output)
            continue
        make_folder(output)
        check_writable_folder(output)
        for path in _targets(output, source):
            check_replaceable(path)
        clear_temporaries(output)


def write_explanation(
    result: VideoExplanation, output: str, *, force: bool = False
) -> tuple[Path, ...]:
    """Write explanations to a file, or into a folder as `<video>.explain.mp4`, .png and .json.

    Args:
        result: What to write.
        output: A file that ends in one of `OUTPUT_SUFFIXES`, or a folder.
        force: Whether files in the folder that vidtag did not make are replaced.

    Returns:
        The files that were written, each of them whole.

    Raises:
        UsageError: The file ends in something else, or something of the user's would be
            overwritten by mistake.
        OutputError: It can't be written.
    """
    check_outputs([output], result.path, force=force)
    targets = _targets(output, result.path)
    contents = {path: _content(result, os.path.splitext(path)[1].lower()) for path in targets}
    # The numbers come first: where they are, the rest is known to be ours, also after a kill.
    for path in reversed(targets):
        write_whole(path, [contents[path]])
    return tuple(map(Path, targets))


def explanation_bytes(windows: Sequence[ExplainedClip], suffix: str) -> bytes:
    """Make the content of a picture or an animation that shows all explanations.

    Args:
        windows: What to show, in this order.
        suffix: `.png` for a contact sheet, or one of `ANIMATION_SUFFIXES`.
    """
    if suffix == ".png":
        return encode_png(draw_sheet(windows))
    return encode_animation(windows, suffix)


def _content(result: VideoExplanation, suffix: str) -> bytes:
    if suffix == ".json":
        return (to_json(result, indent=2) + "\n").encode()
    return explanation_bytes(result.windows, suffix)


def _targets(output: str, source: str) -> list[str]:
    """Name the files that are written; none where a name does not say what to write."""
    if is_folder(output):
        shown = encodable(without_credentials(source))
        name = os.path.basename(shown.rstrip("/")) or "video"
        return [os.path.join(output, f"{name}.explain{suffix}") for suffix in _FOLDER_SUFFIXES]
    suffix = os.path.splitext(output)[1].lower()
    return [output] if suffix in OUTPUT_SUFFIXES else []


def _not_made_together(paths: Sequence[str], records: Records) -> Sequence[str]:
    """Leave out what was made along with the numbers, which tell themselves that they are ours."""
    *others, numbers = paths
    is_ours = os.path.isfile(numbers) and not is_foreign(numbers, records)
    return [numbers] if is_ours else [*others, numbers]
