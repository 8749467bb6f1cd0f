"""What is certain to fail, told before anything is opened."""

import os
import re

from vidtag.errors import VideoError, VideoOpenError
from vidtag.extensions import is_video_name
from vidtag.urls import is_url, is_video_page, web_page_message, without_credentials


def foresee_failure(source: str) -> VideoError | None:
    """Tell what is certain to fail before it is opened, and before a model is looked for.

    A misspelt name must neither have a model downloaded first nor wait for one to load.
    """
    if is_page(source):
        shown = without_credentials(source if is_url(source) else f"https://{source}")
        return VideoOpenError(without_credentials(source), "not_a_video", web_page_message(shown))
    if source == "-" or is_url(source):
        return None
    try:
        os.stat(source)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL is no part of a name
        return VideoOpenError.missing(source)
    except OSError:  # its reader finds the words
        return None
    return None


def is_page(source: str) -> bool:
    """Tell whether it is the address of a page that shows a video, also without https://."""
    shown = without_credentials(source)
    path = re.split(r"[?#]", shown, maxsplit=1)[0]
    return is_video_page(shown) and not is_video_name(path) and not os.path.lexists(source)
