"""ELAN's EAF: a tier per label, as vidtag writes it, or labels as values, as persons do.

Where an annotation's value is a score (`0.873`), its tier is its label; where it is another text,
that is; without a text, the tier is, unless other annotations of the tier have one.
Source: https://www.mpi.nl/tools/elan/EAFv3.0.xsd
"""

import os
import re
import xml.etree.ElementTree as ET
from fractions import Fraction

from vidtag.errors import TruthError
from vidtag.extensions import is_video_name
from vidtag.formats.truths.content import read_bytes
from vidtag.formats.truths.gathering import Gathering, Video, quoted, shortened
from vidtag.formats.truths.places import Places
from vidtag.links import file_name

_SCORE = re.compile(r"[01]\.\d+")
_NUMBERED = re.compile(r"(.+) #\d+")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})|\\([tnr])")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r"}


class _EntitiesError(Exception):
    """A document type is declared, and with it perhaps entities without end."""


class _NoEntities(ET.TreeBuilder):
    """Makes the tree of a document without entities of its own, whatever its encoding."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse it; the parser calls this before it reads any entity."""
        raise _EntitiesError(name)


_Slots = dict[str, int | None]


def read_eaf(path: str, gathering: Gathering, places: Places) -> None:
    """Read a file of annotations.

    Args:
        path: The file.
        gathering: Takes what is in it.
        places: Where its video lies.

    Raises:
        TruthError: It is no EAF, or its times are no milliseconds.
    """
    root = _parse(path)
    name = os.path.basename(path)
    header = root.find("HEADER")
    units = "milliseconds" if header is None else header.get("TIME_UNITS", "milliseconds")
    if units != "milliseconds":
        raise TruthError(path, f"{path}: its times are in {quoted(units)} and not milliseconds.")
    found = _media(header)
    media, others = (found[0] if found else None), found[1:]
    shown = "" if media is None else _url(media)
    place = f"MEDIA_DESCRIPTOR of {name}"
    video = gathering.video(
        place, shown or f"{os.path.splitext(name)[0]}.*", lambda: _find(path, media, places)
    )
    if video is None:
        return
    for other in others:
        gathering.note("medium", f"{quoted(_url(other))} ({gathering.prefix}{name})")
    origin = "" if media is None else media.get("TIME_ORIGIN", "").strip()
    offset = _milliseconds(origin) or 0
    if origin and _milliseconds(origin) is None:
        raise TruthError(path, f"{path}: its TIME_ORIGIN {quoted(origin)} is no whole number.")
    if offset:
        gathering.note("offset", f"{quoted(video.path)} ({offset} ms)")
    slots: _Slots = {}
    for slot in root.iter("TIME_SLOT"):
        identity, time = slot.get("TIME_SLOT_ID", ""), _milliseconds(slot.get("TIME_VALUE"))
        if slots.setdefault(identity, time) != time:
            raise TruthError(path, f"{path}: its TIME_SLOT {quoted(identity)} has two times.")
    tiers = root.findall("TIER")
    names = {tier.get("TIER_ID", "") for tier in tiers}
    is_own = root.get("AUTHOR", "").startswith("vidtag ")
    video.is_empty = video.is_empty or not any(len(tier) for tier in tiers)
    for tier in tiers:
        label = tier.get("TIER_ID", "")
        numbered = _NUMBERED.fullmatch(label) if is_own else None
        if numbered and numbered[1] in names:  # several classes of the model have this name
            label = numbered[1]
        _read_tier(name, tier, label, slots, offset, video, gathering)


def _parse(path: str) -> ET.Element:
    data = read_bytes(path)
    try:
        root = ET.fromstring(data, ET.XMLParser(target=_NoEntities()))
    except _EntitiesError as exc:
        message = "it declares entities, which no EAF does; it is not read"
        raise TruthError(path, f"{path}: {message}.") from exc
    except (ET.ParseError, ValueError, LookupError) as exc:
        line = f"line {exc.position[0]}: " if isinstance(exc, ET.ParseError) else ""
        raise TruthError(path, f"{path}: {line}this is no XML ({exc}).") from exc
    if root.tag != "ANNOTATION_DOCUMENT":
        raise TruthError(path, f"{path}: it is no EAF of ELAN: it begins with <{root.tag[:40]}>.")
    return root


def _media(header: ET.Element | None) -> list[ET.Element]:
    """List the videos among the media, which may be sound, too; without any, the first medium."""
    found = [] if header is None else header.findall("MEDIA_DESCRIPTOR")

    def is_video(one: ET.Element) -> bool:
        return one.get("MIME_TYPE", "").startswith("video/") or is_video_name(file_name(_url(one)))

    return [one for one in found if is_video(one)] or found[:1]


def _url(media: ET.Element) -> str:
    return media.get("RELATIVE_MEDIA_URL", "") or media.get("MEDIA_URL", "")


def _find(path: str, media: ET.Element | None, places: Places) -> str | None:
    found = {} if media is None else media.attrib
    urls = [found.get("MEDIA_URL", ""), found.get("RELATIVE_MEDIA_URL", "")]
    names = [name for url in filter(None, urls) for name in (url, _unescaped(url))]
    # As ELAN does, the bare name is looked for where there is nothing at its path.
    for name in [*names, *map(file_name, names)]:
        there = places.find_url(name)
        if there is not None:
            return there
    return None if any(urls) else places.find_beside(path)


def _unescaped(url: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _LETTERS[match[2]]

    return _ESCAPED.sub(plain, url)


def _read_tier(
    name: str,
    tier: ET.Element,
    tier_label: str,
    slots: _Slots,
    offset: int,
    video: Video,
    gathering: Gathering,
) -> None:
    values = [_text(one) for one in tier.iter("ANNOTATION_VALUE")]
    scores = [value for value in values if _SCORE.fullmatch(value)]
    has_texts = len([value for value in values if value]) > len(scores)
    for number, holder in enumerate(tier, start=1):
        annotation = holder[0] if holder.tag == "ANNOTATION" and len(holder) == 1 else holder
        identity = shortened(annotation.get("ANNOTATION_ID") or f"annotation {number}")
        place = f"{identity} in tier {quoted(tier.get('TIER_ID', ''))} of {name}"
        if annotation is holder:
            gathering.unreadable(place, "it is no ANNOTATION with one of its kinds in it")
            continue
        if annotation.tag == "REF_ANNOTATION":
            gathering.note("reference", f"{gathering.prefix}{place}")
            continue
        value = _text(annotation.find("ANNOTATION_VALUE"))
        is_tiers = bool(_SCORE.fullmatch(value)) or (not value and (not has_texts or scores))
        label = gathering.label(place, tier_label if is_tiers else value)
        if label is None:
            continue
        times = [slots.get(annotation.get(f"TIME_SLOT_REF{k}", "")) for k in (1, 2)]
        start, end = times
        if start is None or end is None:
            gathering.unreadable(place, "its start or end has no time")
            continue
        begin, stop = Fraction(start + offset, 1000), Fraction(end + offset, 1000)
        gathering.say_segment(place, video, begin, stop, label)


def _text(element: ET.Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip()


def _milliseconds(text: str | None) -> int | None:
    match = re.fullmatch(r"-?\d{1,12}", (text or "").strip(), re.ASCII)
    return int(match[0]) if match else None
