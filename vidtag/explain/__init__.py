"""Why a tag was given: where in the picture and when in the window its evidence lies.

Nothing here is imported by a run that does not ask for it, and torch only by the methods that
look inside a model.
"""

from typing import TYPE_CHECKING

from vidtag.explain.explanation import METHODS, Explanation, Method, TokenGrid

if TYPE_CHECKING:
    from vidtag.explain.methods import DEFAULT_METHOD, explain_window
    from vidtag.explain.run import ExplainOptions, explain_video
    from vidtag.explain.writing import write_explanation

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "ExplainOptions",
    "Explanation",
    "Method",
    "TokenGrid",
    "explain_video",
    "explain_window",
    "write_explanation",
]


def __getattr__(name: str) -> object:
    if name in ("DEFAULT_METHOD", "explain_window"):
        from vidtag.explain import methods

        return getattr(methods, name)
    if name in ("ExplainOptions", "explain_video"):
        from vidtag.explain import run

        return getattr(run, name)
    if name == "write_explanation":
        from vidtag.explain import writing

        return getattr(writing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
