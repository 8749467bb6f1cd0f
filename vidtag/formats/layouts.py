"""The formats that are tables with rows, with another layout than the plain one."""

from collections.abc import Iterable

from vidtag.errors import UsageError
from vidtag.formats.format import Format
from vidtag.formats.parquet import parquet_format
from vidtag.formats.rows import Layout
from vidtag.formats.tabular import tabular_formats


def laid_out(layout: Layout, names: Iterable[str]) -> dict[str, Format]:
    """Make the formats that have this layout, by their names.

    Args:
        layout: What was asked for.
        names: Formats that will be written.

    Raises:
        UsageError: None of them has what was asked for.
    """
    texts = {one.name: one for one in tabular_formats(layout)}
    tables = {**texts, **{one.name: one for one in (parquet_format(layout),)}}
    wanted = {*names}
    for is_asked, option, known in (
        (layout.per == "step", "--per step", tables),
        (layout.every_video, "--every-video", tables),
        (layout.bom, "--bom", texts),
    ):
        if is_asked and not wanted & known.keys():
            *others, last = known
            raise UsageError(f"{option} goes with -f {', '.join(others)} or {last}.")
    return tables
