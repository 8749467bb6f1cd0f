"""`vidtag schema`: the JSON Schema of the results."""

import json
from typing import Annotated

import typer

from vidtag.cli.speaking import print_line


def schema(
    events: Annotated[
        bool, typer.Option("--events", help="Of the events of vidtag watch instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of the results."""
    from vidtag.documents.json import make_json_schema
    from vidtag.documents.live import make_event_schema

    print_line(json.dumps(make_event_schema() if events else make_json_schema(), indent=2))
