"""`vidtag labels`: the labels of a model, all or those with a word in them."""

import json
from typing import Annotated

import typer

from vidtag.aliases import DEFAULT_MODEL, WORDS_MODEL, alias_of
from vidtag.cli.options import ListedModel
from vidtag.cli.speaking import complain, print_line
from vidtag.text import printable


def labels(
    find: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="Those alone in which each of these words, or fragments of words, stands.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: each with its index.")
    ] = False,
    *,
    model: ListedModel,
) -> None:
    """Print the labels of a model, one per line."""
    from vidtag.models.labels import find_labels, near_labels, read_labels

    name = model.model or DEFAULT_MODEL
    if find is not None and not find.strip():
        raise typer.BadParameter("--find needs a word to look for.")
    known = read_labels(name, model.revision, model.offline)
    found = find_labels(known, find or "")
    if as_json:
        entries = [{"index": index, "label": label} for index, label in found]
        print_line(json.dumps(entries, indent=2))
    elif found:
        print_line("\n".join(printable(label) for _, label in found))
    if find is not None and not found:
        complain(_what_to_try(name, find, near_labels(known, find)))
        raise typer.Exit(1)


def _what_to_try(model: str, sought: str, near: list[str]) -> str:
    """Say that nothing was found, and what may have been meant or would know it."""
    said = f"No label of {model} has '{sought}' in it"
    if near:
        *others, last = (f"'{label}'" for label in near)
        return f"{said}; did you mean {', '.join(others)}{' or ' * bool(others)}{last}?"
    alias = alias_of(model)
    able = model if alias is not None and alias.reads_text else WORDS_MODEL
    return f"{said}; own words may do: vidtag VIDEO -m {able} --label '{sought}'"
