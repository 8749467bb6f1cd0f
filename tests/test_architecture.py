"""Who may import whom, what is public, and what a light run must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vidtag

PACKAGE = Path(vidtag.__file__).parent

# One third-party world per module (or folder).
HOMES = {
    "av": ("video", "explain"),  # explain writes animations
    "torch": ("models", "explain", "clips/preparing.py"),  # both ways to resize stand side by side
    "transformers": ("models", "explain"),
    "safetensors": ("models",),
    "huggingface_hub": ("models",),
    "openvino": ("models",),
    "typer": ("cli",),
    "rich": (
        "cli",
        "terminal.py",
        "formats/table_drawing.py",
        "explain",
    ),
    "jinja2": ("report",),
    "markupsafe": ("report",),
    "PIL": ("clips/preparing.py", "report", "explain"),
    "sqlite3": ("cache/database.py",),
    "pydantic": ("documents",),
    "yaml": ("models",),
    "platformdirs": ("cache/folder.py",),
}

# video → frames → windows → scores → timeline → results → formats; none imports one further on.
ORDER = [
    [
        "aliases.py",
        "arguments.py",
        "errors.py",
        "links.py",
        "seconds.py",
        "stopping.py",
        "text.py",
        "urls.py",
        "version.py",
    ],
    [
        "video",
        "timeline",
        "clips",
    ],
    ["documents"],
    ["cache"],
    ["models"],
    ["tagging"],
    ["report", "terminal.py"],
    ["formats", "inputs", "search"],
    ["outputs"],
    ["explain"],
    ["cli"],
    ["__main__.py"],
]


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_each_library_has_its_home(path):
    for name in imported(path):
        homes = HOMES.get(name.split(".")[0])
        if homes is not None:
            assert any(
                relative(path) == home or relative(path).startswith(f"{home}/") for home in homes
            ), f"{relative(path)} imports {name}"


def place(name: str) -> int | None:
    for rank, names in enumerate(ORDER):
        for entry in names:
            if name == entry or name.startswith(f"{entry}/"):
                return rank
    return None


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_imports_run_in_one_direction(path):
    if relative(path) == "__init__.py":
        return
    own = place(relative(path))
    assert own is not None, f"{relative(path)} has no place in the order"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "vidtag" or len(parts) < 2:
            continue
        target = parts[1] if (PACKAGE / parts[1]).is_dir() else f"{parts[1]}.py"
        rank = place(target)
        if rank is not None:
            assert rank <= own, f"{relative(path)} imports {name}, which is further down the line"


def test_no_module_is_a_drawer_for_the_rest():
    names = {path.stem for path in modules()}
    assert not names & {"utils", "util", "common", "helpers", "misc", "types"}


def test_public_names_are_exact_and_there():
    assert sorted(vidtag.__all__, key=lambda n: (n.startswith("_"), n)) == vidtag.__all__
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
