"""`vidtag labels`: the labels of a model."""

from vidtag.aliases import DEFAULT_MODEL
from vidtag.cli.options import ListedModel
from vidtag.cli.speaking import print_line
from vidtag.text import printable


def labels(*, model: ListedModel) -> None:
    """Print the labels of a model, one per line."""
    from vidtag.models.load import read_labels

    for label in read_labels(model.model or DEFAULT_MODEL, model.revision, model.offline):
        print_line(printable(label))
