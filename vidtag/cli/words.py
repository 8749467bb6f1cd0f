"""Labels in the user's own words, as commands speak of them."""

from collections.abc import Iterator

from vidtag.models.classifier import ClassifierInfo

_MOST_SHOWN = 8
"""Phrases of a background that are named in a line."""


def tell_words(info: ClassifierInfo) -> Iterator[str]:
    """Say of given words what they compete with, and what of it was left out."""
    words = info.words
    if words is None:
        return
    count = f"{len(words.given)} label{'s' * (len(words.given) > 1)} of your own"
    background = words.background
    if background is None:
        yield f"{count}, which compete with one another alone"
        return
    yield f"{count}, against {len(background.phrases)} other phrases"
    if background.left_out:
        named = [
            f"'{one.phrase}' (near to '{one.label}', {one.cosine:.2f})"
            for one in background.left_out[:_MOST_SHOWN]
        ]
        more = len(background.left_out) - len(named)
        named += [f"{more} more"] if more else []
        yield f"left out of them, beyond {background.limit:.2f}: {', '.join(named)}"
