"""Steps as they come: a JSON line for each, and the document at the end.

What a program reads that does not want to wait. A step's line says by its `event` that it is no
document; whoever reads documents passes over it.
"""

import json
from collections.abc import Sequence

from vidtag.documents.records import Document, Failure, StepRecord
from vidtag.formats.format import Format
from vidtag.formats.jsonlines import encodable_json, to_line
from vidtag.text import encodable, escape_json


def step_to_line(path: str, step: StepRecord) -> str:
    """Write a step as one line, line break included.

    Args:
        path: The video, as the user named it.
        step: What its document will say of it.
    """
    line = {"event": "step", "path": encodable(path), **step.to_dict()}
    text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    return f"{encodable_json(escape_json(text))}\n"


def to_lines_of_steps(result: Document | Failure) -> str:
    """Write a line for each step, and then the document."""
    steps = result.timeline if isinstance(result, Document) else ()
    lines = [step_to_line(result.video.path, step) for step in steps]
    return "".join([*lines, to_line(result)])


def write_steps(results: Sequence[Document | Failure]) -> str:
    """Write the steps and the document of one result after the other."""
    return "".join(map(to_lines_of_steps, results))


FORMAT = Format(
    name="steps",
    suffix=".steps.jsonl",
    summary="a JSON line per step as it is known",
    joins=True,
    write=write_steps,
    append=to_lines_of_steps,
    write_step=step_to_line,
    write_end=to_line,
    names_failures=True,
)
