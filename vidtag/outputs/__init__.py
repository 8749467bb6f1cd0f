"""Where results go: stdout, one file, one file for all, or a folder of files.

`plan` decides which of these it is, `open_outputs` checks what can be checked before any work,
and what it gives takes the results (`sink` says how): `files` writes each video into files of its
own, `joined` all of them into one. `whole` puts a file there whole or not at all; `made` knows
what `--skip-existing` takes as done. Nothing here knows a format from within.
"""

from collections.abc import Mapping
from types import MappingProxyType

from vidtag.formats import Format
from vidtag.inputs import Inputs
from vidtag.outputs.files import FileOutputs, Target, folder_targets
from vidtag.outputs.joined import JoinedOutputs, StreamOutputs
from vidtag.outputs.made import RECORDS_NAME, ContentId, Fingerprint
from vidtag.outputs.plan import OutputPlan, find_format, plan_outputs, refuse_inputs
from vidtag.outputs.sink import Outputs
from vidtag.outputs.whole import is_special, write_whole

__all__ = [
    "RECORDS_NAME",
    "ContentId",
    "Fingerprint",
    "OutputPlan",
    "Outputs",
    "open_outputs",
    "plan_outputs",
    "write_whole",
]


def open_outputs(
    plan: OutputPlan, inputs: Inputs, replaced: Mapping[str, Format] = MappingProxyType({})
) -> Outputs:
    """Check everything that can be checked before any work, and make the output folder.

    Args:
        plan: What `plan_outputs` decided; not stdout.
        inputs: What will be tagged.
        replaced: Formats to take instead of those of the same name.

    Raises:
        UsageError: Two inputs would be written to one file, or an input would be overwritten.
        OutputError: The folder or file can't be written to.
    """
    formats = [replaced.get(name) or find_format(name) for name in plan.formats]
    if plan.kind == "folder":
        return FileOutputs(plan.path, folder_targets(plan.path, formats, inputs))
    if plan.kind == "stdout":
        raise ValueError("stdout is written by its owner")
    refuse_inputs([plan.path], inputs)
    [one] = formats
    if plan.kind == "file":
        targets = {item.source: [Target(one=one, path=plan.path)] for item in inputs.items}
        return FileOutputs(None, targets)
    if is_special(plan.path):
        return StreamOutputs(plan.path, one)
    return JoinedOutputs(plan.path, one, inputs)
