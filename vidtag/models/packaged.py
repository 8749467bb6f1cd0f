"""The models inside the package: where they lie."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from vidtag.aliases import DEMO_MODEL, DEMO_WORDS_MODEL

DEMO_FOLDER = Path(__file__).parent / "demo"
"""The packaged model, in the hub's format."""

PACKAGED: Mapping[str, Path] = MappingProxyType(
    {DEMO_MODEL: DEMO_FOLDER, DEMO_WORDS_MODEL: Path(__file__).parent / "demo_words"}
)
"""Aliases of the models in the package, with their folders."""
