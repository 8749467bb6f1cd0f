"""`vidtag cache`: what is stored, and clearing it."""

from typing import Annotated

import typer

from vidtag.cli.speaking import print_line
from vidtag.terminal import stderr_console


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete everything in it.")] = False,
) -> None:
    """Show where stored scores and converted models are, and how large; or clear them."""
    from vidtag.cli.cache_run import clear_cache, measure_cache

    if clear:
        freed = clear_cache()
        stderr_console().print(f"cleared {freed / 1e6:.1f} MB")
        return
    for line in measure_cache():
        print_line(line)
