"""The model card: what the front matter of a model's README.md says.

Owns the reading of its YAML. Whatever is wrong with a card costs the licence's name, never the
result.
"""

from pathlib import Path

_MOST_BYTES = 256 << 10
"""Cards with long tables of evaluations have some 20 KB of front matter."""

_MOST_NESTED = 20
"""Real cards nest five deep; the scanner's time grows with the square of it."""

_FENCE = "---"


def card_licence(folder: Path) -> str | None:
    """Read the licence of a model's weights off its card, if that came along.

    A licence that the hub has no name for is called `other` there and has its own beside it.

    Returns:
        One name, or several with commas between them; `None` where the card says nothing.
    """
    text = _front_matter(folder / "README.md")
    if "license" not in text:
        return None
    entries = _outermost(text)
    named = entries.get("license", [])
    if named in ([], ["other"]):
        named = entries.get("license_name", named)
    return ", ".join(named) or None


def _front_matter(path: Path) -> str:
    """Return the YAML between the first two fences of a card."""
    try:
        if not path.is_file():  # opening a pipe would wait
            return ""
        with path.open("rb") as card:
            text = card.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return ""
    lines = text.lstrip().splitlines()
    fences = [number for number, line in enumerate(lines) if line.rstrip() == _FENCE]
    return "\n".join(lines[1 : fences[1]]) if len(fences) > 1 and fences[0] == 0 else ""


def _outermost(text: str) -> dict[str, list[str]]:
    """Collect the texts of the outermost mapping by their names; a list gives all of its own.

    Goes event by event, so that neither deep nesting nor an error further down hides what came
    before.
    """
    import yaml  # type: ignore[import-untyped]

    entries: dict[str, list[str]] = {}
    within: list[bool] = []  # for every open collection whether it is a mapping
    values: list[str] | None = None  # of the entry at hand; None where its name comes next
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                within.append(isinstance(event, yaml.MappingStartEvent))
                if len(within) > _MOST_NESTED:
                    break
            elif isinstance(event, yaml.CollectionEndEvent):
                within.pop()
            elif isinstance(event, yaml.ScalarEvent) and within == [True] and values is None:
                values = entries[" ".join(event.value.split())] = []
                continue
            elif isinstance(event, yaml.ScalarEvent) and values is not None:
                is_null = event.style is None and event.value.lower() in ("", "~", "null")
                if within in ([True], [True, False]) and not is_null:
                    values.append(" ".join(event.value.split())[:100])
            if within == [True]:
                values = None
    except yaml.YAMLError:
        pass
    return {name: texts for name, texts in entries.items() if texts}
