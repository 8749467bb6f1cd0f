"""One document into one file, for programs: what `-o FILE` does, without a command line."""

from vidtag.documents.records import Document
from vidtag.errors import UsageError
from vidtag.formats.format import Place
from vidtag.outputs.atomic import check_writable_file, write_whole
from vidtag.outputs.destination import find_format, format_of, known_suffixes
from vidtag.outputs.replacing import find_read, refuse_to_destroy


def save_document(document: Document, path: str, name: str | None = None) -> None:
    """Write a document to a file, whole or not at all.

    Args:
        document: What to write.
        path: The file; one of this name is replaced, unless it is the video or another medium.
        name: The format; what the suffix says where `None`.

    Raises:
        UsageError: No format has this name or suffix, or the video would be overwritten.
        OutputError: The file can't be written.
    """
    name = name or format_of(path)
    if name is None:
        raise UsageError(
            f"What to write to '{path}' is not known: name a format, or end it in "
            f"{known_suffixes()}."
        )
    one = find_format(name)
    if one.check is not None:
        one.check()
    source = document.video.path
    refuse_to_destroy([path], find_read([source]))
    check_writable_file(path)
    write_whole(path, [one.to_bytes_at(document, Place(source=source, path=path))])
