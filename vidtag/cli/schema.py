"""`vidtag schema`: the JSON Schema of the results."""

import json

from vidtag.cli.speaking import print_line


def schema() -> None:
    """Print the JSON Schema of the results."""
    from vidtag.documents.json import make_json_schema

    print_line(json.dumps(make_json_schema(), indent=2))
