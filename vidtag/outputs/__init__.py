"""Where results go: stdout, files, one file for all, or a folder of files.

`destination` decides which of these it is, `replacing` what may be overwritten. `open_outputs`
checks what can be checked before any work, and what it gives takes the results (`output` says how):
`stdout` prints them, `folder` writes each video into files of its own, `one_file` all of them into
one, `overview` adds an index of pages. `atomic` puts a file there whole or not at all, `locking`
lets several processes share a folder; `fingerprint` knows what `--skip-existing` takes as done,
and `records` keeps it. Nothing here knows a format from within.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from vidtag.errors import UsageError
from vidtag.formats import Format
from vidtag.inputs.found import Inputs
from vidtag.outputs.atomic import check_replaceable, is_special, write_whole
from vidtag.outputs.destination import OutputPlan, find_format, is_folder, plan_outputs
from vidtag.outputs.fingerprint import RECORDS_NAME, ContentId
from vidtag.outputs.folder import FileOutputs, Target, folder_targets
from vidtag.outputs.one_file import JoinedOutputs, StreamOutputs
from vidtag.outputs.output import Outputs, SeveralOutputs
from vidtag.outputs.overview import IndexedOutputs, find_index
from vidtag.outputs.records import Records
from vidtag.outputs.replacing import Identity, find_read, refuse_foreign, refuse_to_destroy
from vidtag.outputs.stdout import StdoutOutputs
from vidtag.tagging.recipe import Fingerprint

__all__ = [
    "RECORDS_NAME",
    "ContentId",
    "Fingerprint",
    "OutputPlan",
    "Outputs",
    "open_outputs",
    "plan_outputs",
    "refuse_twice",
    "write_whole",
]


def open_outputs(
    plans: Sequence[OutputPlan],
    inputs: Inputs,
    replaced: Mapping[str, Format] = MappingProxyType({}),
    *,
    also_read: Iterable[str] = (),
    force: bool = False,
) -> Outputs:
    """Check everything that can be checked before any work, and make the output folder.

    Args:
        plans: What `plan_outputs` decided.
        inputs: What will be tagged.
        replaced: Formats to take instead of those of the same name.
        also_read: Other files that are read, or folders of such: lists, documents, a model.
        force: Whether files in a folder that vidtag did not make are replaced.

    Raises:
        UsageError: Two inputs would be written to one file, or something of the user's would be
            overwritten by mistake; or the format holds one video, and there are several; or what
            it needs is not installed.
        OutputError: The folder, file or stdout can't be written to.
    """
    if plans[0].kind == "stdout":
        return StdoutOutputs(_wanted(plans[0], replaced)[0], inputs)
    read = find_read([*(item.source for item in inputs.items), *also_read])
    files = [plan for plan in plans if not is_folder(plan.path)]
    for plan in files:
        first = replaced.get(plan.formats[0])
        makes_media = plan.kind == "file" and first is not None and first.write_file is not None
        refuse_to_destroy([plan.path], read, makes_media=makes_media)
    refuse_twice([plan.path for plan in files])
    opened = []
    for plan in plans:
        formats = _wanted(plan, replaced)
        if plan.kind == "folder":
            opened.append(_open_folder(plan.path, formats, inputs, read, force=force))
        else:
            opened.append(_open_file(plan, formats[0], inputs, force=force))
    return opened[0] if len(opened) == 1 else SeveralOutputs(opened)


def _wanted(plan: OutputPlan, replaced: Mapping[str, Format]) -> list[Format]:
    """Find the formats of a plan, and refuse those whose packages are missing."""
    formats = [replaced.get(name) or find_format(name) for name in plan.formats]
    for one in formats:
        if one.check is not None:
            one.check()
    return formats


def _open_folder(
    folder: str,
    formats: Sequence[Format],
    inputs: Inputs,
    read: Mapping[Identity, str],
    *,
    force: bool,
) -> Outputs:
    targets = folder_targets(folder, formats, inputs)
    paths = [target.path for wanted in targets.values() for target in wanted]
    index = find_index(folder, paths) if any(one.has_index for one in formats) else None
    if index is not None:
        paths.append(index)
        check_replaceable(index)
    refuse_to_destroy(paths, read)
    refuse_foreign(paths, Records(folder), force=force)
    outputs = FileOutputs(folder, targets, index=index, force=force)
    return outputs if index is None else IndexedOutputs(outputs, folder, index)


def _open_file(plan: OutputPlan, one: Format, inputs: Inputs, *, force: bool) -> Outputs:
    if plan.kind == "file":
        return FileOutputs(
            None, {item.source: [Target(one=one, path=plan.path)] for item in inputs.items}
        )
    if is_special(plan.path):
        return StreamOutputs(plan.path, one)
    return JoinedOutputs(plan.path, one, inputs, force=force)


def refuse_twice(paths: Sequence[str]) -> None:
    """Refuse to write one file twice.

    Raises:
        UsageError: Two of the paths are the same file.
    """
    seen: dict[str | tuple[int, int], str] = {}
    for path in paths:
        try:
            info = os.stat(path)
        except OSError:
            same: str | tuple[int, int] = os.path.realpath(path)
        else:
            same = info.st_dev, info.st_ino
        if same in seen:
            raise UsageError(f"'{seen[same]}' and '{path}' are one file; name each once.")
        seen[same] = path
