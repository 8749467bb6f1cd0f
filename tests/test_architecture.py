"""Who may import whom, what is public, and what a light run must not load."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vidtag

PACKAGE = Path(vidtag.__file__).parent

# One third-party world per module (or folder).
HOMES = {
    "av": ("video", "explain"),  # explain writes animations
    "torch": (
        "models",
        "explain",
        "training",
        "clips/preparing.py",
    ),  # both ways to resize stand side by side
    "transformers": ("models", "explain", "training"),
    "safetensors": ("models",),
    "tokenizers": ("models",),
    "huggingface_hub": ("models",),
    "openvino": ("models",),
    "nncf": ("models/int8.py",),
    "typer": ("cli",),
    "rich": (
        "cli",
        "terminal.py",
        "formats/table_drawing.py",
        "formats/video_rows.py",
        "explain",
    ),
    "jinja2": ("report",),
    "markupsafe": ("report",),
    "pyarrow": ("formats/parquet.py",),
    "PIL": ("clips/preparing.py", "report", "explain", "cutting"),
    "sqlite3": ("cache/database.py",),
    "pydantic": ("documents",),
    "yaml": ("models",),
    "platformdirs": ("cache/folder.py", "cli/configuration.py"),
}

# What each room may import, besides itself and the ground. One direction: what stands further
# down in this table may stand on what is further up.
ROOMS = {
    "cache": set(),
    "timeline": set(),
    "documents": set(),
    "inputs": set(),
    "video": set(),
    "clips": {"video"},
    "models": {"cache", "clips", "video"},
    "search": {"documents"},
    "report": {"documents", "video"},  # pages have pictures
    "formats": {"documents", "report"},
    "tagging": {
        *("cache", "timeline", "video", "clips", "models", "documents"),
        "search",  # what stored results hide
    },
    "live": {"cache", "timeline", "video", "clips", "models", "documents", "tagging"},
    "outputs": {"documents", "formats", "inputs", "report", "tagging.recipe"},
    "cutting": {"documents", "video", "search", "formats", "outputs"},
    "explain": {
        *("cache", "timeline", "documents", "video", "clips", "models", "tagging"),
        *("inputs", "formats", "report", "outputs"),  # explanations are written as results are
    },
    "evaluation": {
        *("timeline", "documents", "video", "clips", "models", "tagging"),
        *("formats", "report", "outputs"),  # labels are read beside the writers
    },
    "training": {
        *("cache", "timeline", "documents", "video", "clips", "models", "tagging"),
        "formats",  # what persons said of videos
        "evaluation",  # the same measures
    },
}
GROUND = {
    *("aliases", "arguments", "errors", "extensions", "links", "seconds", "stopping", "terminal"),
    *("text", "urls", "version"),
}
ALL = {*ROOMS, *GROUND}
ENTRANCES = {"cli": ALL, "__main__": {"cli", "stopping"}, "__init__": ALL}

# A door in the wrong direction, opened when it is used: `Document.save` writes a file.
LATE = {("documents/records.py", "outputs")}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imported(source: str, where: str) -> set[str]:
    """List what a module imports, absolutely: `vidtag` stands for its public names."""
    names: set[str] = set()
    package = ["vidtag", *where.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{module}.{alias.name}"
                is_public_name = module == "vidtag" and alias.name not in {*ALL, "cli", "__main__"}
                names.add("vidtag" if is_public_name else full)
    return names


def breaches(source: str, where: str) -> list[str]:
    """Name each import that the rule forbids."""
    own = where.removesuffix(".py").split("/")[0]
    allowed = {own} | (ROOMS[own] | GROUND if own in ROOMS else ENTRANCES.get(own, GROUND))
    found = []
    for name in sorted(imported(source, where)):
        parts = name.split(".")
        if parts[0] != "vidtag":
            continue
        room = parts[1] if len(parts) > 1 else ""
        if room in allowed or ".".join(parts[1:3]) in allowed or (where, room) in LATE:
            continue
        found.append(name)
    return found


def libraries(source: str, where: str) -> list[str]:
    """Name each library that is imported away from its home."""
    found = []
    for name in sorted(imported(source, where)):
        homes = HOMES.get(name.split(".")[0], ("",))
        if not any(home in ("", where) or where.startswith(f"{home}/") for home in homes):
            found.append(name)
    return found


def test_each_library_has_its_home():
    away = {relative(path): libraries(path.read_text(), relative(path)) for path in modules()}
    assert not {where: names for where, names in away.items() if names}


def test_rooms_import_in_one_direction():
    found = {relative(path): breaches(path.read_text(), relative(path)) for path in modules()}
    assert not {where: names for where, names in found.items() if names}


def test_the_rule_is_one_of_layers():
    above: set[str] = set()
    for room, allowed in ROOMS.items():
        assert {name.split(".")[0] for name in allowed} <= above, room
        above.add(room)
    here = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert here == {*ROOMS, "cli"}
    assert {path.stem for path in PACKAGE.glob("*.py")} == {*GROUND, "__init__", "__main__"}


@pytest.mark.parametrize(
    ("where", "planted"),
    [
        ("timeline/scores.py", "import vidtag"),
        ("timeline/scores.py", "from vidtag import Tagger"),
        ("errors.py", "from vidtag import Tagger, stopping"),
        ("errors.py", "from vidtag import timeline, stopping"),
        ("timeline/scores.py", "def late():\n    import vidtag.cli.app as app"),
        ("timeline/scores.py", "from ..models import load"),
        ("video/reader.py", "from vidtag.clips.grid import Grid"),
        ("outputs/folder.py", "from vidtag.tagging.tagger import Tagger"),
        ("documents/json.py", "from vidtag.outputs import write_whole"),
        ("seconds.py", "import vidtag.cache"),
        ("report/page.py", "from vidtag import formats"),
        ("__main__.py", "from vidtag.tagging import tagger"),
    ],
)
def test_a_planted_import_is_found(where, planted):
    source = (PACKAGE / where).read_text()
    assert not breaches(source, where)
    assert breaches(f"{source}\n{planted}\n", where)


def test_a_planted_library_is_found():
    assert libraries("import torch.nn", "timeline/steps.py") == ["torch.nn"]
    assert libraries("def late():\n    from PIL import Image", "video/reader.py") == ["PIL.Image"]
    assert not libraries("import torch.nn", "models/load.py")


def test_what_stands_inside_may_be_imported():
    assert not breaches("from vidtag import errors, stopping", "video/reader.py")
    assert not breaches("from vidtag.tagging import recipe", "outputs/folder.py")


def test_no_file_is_too_long_to_read():
    lengths = {relative(path): len(path.read_text().splitlines()) for path in modules()}
    assert not {name: lines for name, lines in lengths.items() if lines > 450}


def test_no_module_is_a_drawer_for_the_rest():
    names = {path.stem for path in modules()}
    assert not names & {"utils", "util", "common", "helpers", "misc", "types"}


@pytest.mark.parametrize("name", vidtag.__all__)
def test_every_public_name_is_told(name):
    python = (PACKAGE.parent / ".github" / "docs" / "python.md").read_text()
    is_shown = ">>> " in (getattr(vidtag, name).__doc__ or "")
    assert is_shown or re.search(rf"\b{name}\b", python), name


def test_public_names_are_exact_and_there():
    assert set(vidtag.__all__) == {*vidtag._HOMES, "__version__"}
    for name in vidtag.__all__:
        assert getattr(vidtag, name) is not None
    with pytest.raises(AttributeError):
        vidtag.nothing  # noqa: B018 - the access is what is tested


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import vidtag", {"numpy", "av", "torch", "rich", "typer"}),
        ("from vidtag import Tagger", {"torch", "transformers", "openvino", "typer", "jinja2"}),
        ("import vidtag.cli.app", {"numpy", "av", "torch", "transformers", "openvino", "jinja2"}),
        ("import vidtag.formats", {"rich", "jinja2", "numpy"}),
        ("import vidtag.cli.show_run", {"rich", "jinja2", "numpy", "av", "pydantic"}),
    ],
)
def test_imports_stay_light(statement, absent):
    script = f"import sys; {statement}; print(sorted({absent!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"
