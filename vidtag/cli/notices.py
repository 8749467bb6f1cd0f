"""Warnings of many videos, folded: how many there are of each kind, in one line."""

from collections.abc import Iterator, Mapping

from vidtag.documents.records import Document

OF_SEVERAL: Mapping[str, str] = {
    "still_picture": "of one frame",
    "several_video_streams": "with several video streams",
    "packets_failed": "with packets that failed",
    "frames_damaged": "with damaged frames",
    "stopped_at_damage": "read only up to their damage",
    "truncated": "that end too early",
    "encrypted": "that say they are encrypted",
    "timestamps_missing": "without timestamps",
    "timestamps_reordered": "with timestamps in disorder",
    "timestamps_repeated": "with repeated timestamps",
    "timestamps_wrapped": "with timestamps that overflow",
    "timestamps_discontinuous": "with timestamps that jump",
    "duration_declared": "not read to their end",
    "size_changed": "that change their size",
    "rotation_ignored": "with an odd rotation",
    "aspect_ignored": "with an odd aspect ratio",
    "colour_tag_ignored": "with an odd colour tag",
    "hdr": "in HDR",
    "file_changed": "that changed while they were read",
    "shorter_than_window": "shorter than a window",
}
"""Code of a warning that differs from video to video → what several of them are."""


class Notices:
    """What is told of the warnings of documents, each sentence once.

    Args:
        folds: Whether several of one kind become one line, at the end.
    """

    def __init__(self, *, folds: bool) -> None:
        self._folds = folds
        self._told: set[str] = set()
        self._kept: dict[str, list[str]] = {}
        """By code, the sentences that wait for the end."""

    def add(self, document: Document) -> Iterator[str]:
        """Take the warnings of a document; yield what is to be told at once."""
        for warning in document.warnings:
            # Those of the settings fit every video; where it was stopped is said at the end.
            if warning.message in self._told or warning.code == "stopped":
                continue
            self._told.add(warning.message)
            if self._folds:
                self._kept.setdefault(warning.code, []).append(warning.message)
            else:
                yield f"warning: {warning.message}"

    def close(self) -> Iterator[str]:
        """Yield what was kept: a sentence that is alone as it is, of others how many there are."""
        kept, self._kept = self._kept, {}
        several = {
            code: len(messages)
            for code, messages in kept.items()
            if len(messages) > 1 and code in OF_SEVERAL
        }
        for code, messages in kept.items():
            if code not in several:
                yield from (f"warning: {message}" for message in messages)
        if several:
            most_first = sorted(several, key=lambda code: -several[code])
            counts = [f"{several[code]} {OF_SEVERAL[code]}" for code in most_first]
            counts[0] = counts[0].replace(" ", " videos ", 1)
            yield f"warning: {', '.join(counts)} (-v names them)."
