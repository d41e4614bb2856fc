"""Success checks: what must be true on the last screen, read without a model.

They prove what the page says, not what the world became. Text of other origins and text that was typed into fields
proves nothing (`agent.reading`).
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never
from urllib.parse import urlsplit

from actuators.observation import Node, Observation
from agent.outputs import Output, extract
from agent.reading import MAX_TEXT, is_shown, normal, own_nodes, readable
from agent.task_file import Check, FileCheck, NodeCheck, OutputCheck, OutputSpec, TextCheck, UrlCheck

__all__ = ["Checked", "ReadFile", "check", "judged"]

ReadFile = Callable[[str], bytes | None]
"""Reads one file of the surface; None where there is no such file."""


_MOST_PIXELS = 50_000_000
"""A larger picture is not unpacked."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether one check holds, and in one line what was found."""

    ok: bool
    line: str
    name: str = ""
    """The check itself in one line, the same whether it holds or not: `text: contains Booking confirmed`."""


def judged(
    success: Iterable[Check],
    specs: Mapping[str, OutputSpec],
    seen: Observation,
    read_file: ReadFile | None = None,
) -> tuple[list[Checked], dict[str, Output]]:
    """All success checks, then one check for each output no check names; and the outputs themselves."""
    outputs = extract(specs, seen)
    wanted = list(success)
    named = {one.name for one in wanted if isinstance(one, OutputCheck)}
    wanted += [OutputCheck(kind="output", name=name) for name in outputs if name not in named]
    return [replace(check(one, seen, outputs, read_file), name=_name(one)) for one in wanted], outputs


def _name(wanted: Check) -> str:
    told = wanted.model_dump(mode="json", exclude_unset=True, exclude={"kind"})
    given = ", ".join(f"{key} {_plain(value)}" for key, value in told.items() if value is not None)
    return f"{wanted.kind}: {given}" if given else wanted.kind


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())


def check(
    wanted: Check,
    seen: Observation,
    outputs: Mapping[str, Output] | None = None,
    read_file: ReadFile | None = None,
) -> Checked:
    """One check against one observation. Never raises on what a screen shows."""
    match wanted:
        case TextCheck():
            return _text(wanted, seen)
        case UrlCheck():
            return _url(wanted, seen)
        case NodeCheck():
            return _node(wanted, seen)
        case FileCheck():
            return _file(wanted, read_file)
        case OutputCheck(name=name):
            return _output(name, (outputs or {}).get(name))
        case _:
            assert_never(wanted)


def _text(wanted: TextCheck, seen: Observation) -> Checked:
    origin = wanted.origin or ""
    if wanted.contains is not None:
        shown = is_shown(wanted.contains, seen, origin)
        return Checked(shown, f"the text `{wanted.contains}` is {'' if shown else 'not '}shown")
    if wanted.absent is not None:
        shown = is_shown(wanted.absent, seen, origin)
        return Checked(not shown, f"the text `{wanted.absent}` is {'' if shown else 'not '}shown")
    page = normal("\n".join(readable(seen, origin))[:MAX_TEXT])
    found = re.search(wanted.pattern or "", page) is not None
    return Checked(found, f"a text like `{wanted.pattern}` is {'' if found else 'not '}shown")


def _url(wanted: UrlCheck, seen: Observation) -> Checked:
    if wanted.origin is not None and wanted.origin != seen.origin:
        return Checked(False, f"the page is at `{seen.origin}`, not at `{wanted.origin}`")
    if wanted.prefix is not None and not _below(wanted.prefix, seen.url):
        return Checked(False, f"the address `{seen.url}` does not lie below `{wanted.prefix}`")
    if wanted.pattern is not None and not re.fullmatch(wanted.pattern, seen.url):
        return Checked(False, f"the address `{seen.url}` does not match `{wanted.pattern}`")
    return Checked(True, f"the address is `{seen.url}`")


def _below(prefix: str, url: str) -> bool:
    """Whether `url` is `prefix` or continues it, on the same scheme, host and port: no look-alike hosts."""
    ours, theirs = urlsplit(prefix), urlsplit(url)
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        return False
    rest = url[len(ours.scheme) + 3 + len(ours.netloc) :] or "/"
    return rest.startswith(prefix[len(ours.scheme) + 3 + len(ours.netloc) :] or "/")


def _node(wanted: NodeCheck, seen: Observation) -> Checked:
    what = " ".join(filter(None, (wanted.role or "", f"`{wanted.name}`" if wanted.name else "")))
    named = [node for node in own_nodes(seen, wanted.origin or "") if _is(wanted, node)]
    if not named:
        return Checked(False, f"there is no {what} on the screen")
    for term, given in (("value", wanted.value), ("checked", wanted.checked)):
        if given is not None and not any(_has(term, given, node) for node in named):
            found = getattr(named[0], term)
            return Checked(False, f"{term} of {what} is {_words(found)}, not {_words(given)}")
    if any(_fits(wanted, node) for node in named):
        return Checked(True, f"{what} is as wanted")
    return Checked(False, f"no single {what} is as wanted")


def _is(wanted: NodeCheck, node: Node) -> bool:
    if wanted.role is not None and wanted.role != node.role:
        return False
    return wanted.name is None or normal(wanted.name).casefold() == normal(node.name).casefold()


def _has(term: str, given: str | bool, node: Node) -> bool:
    found = getattr(node, term)
    return bool(normal(found) == normal(given) if isinstance(given, str) else found == given)


def _fits(wanted: NodeCheck, node: Node) -> bool:
    terms = (("value", wanted.value), ("checked", wanted.checked))
    return all(given is None or _has(term, given, node) for term, given in terms)


def _words(value: str | bool | None) -> str:
    return f"`{value}`" if isinstance(value, str) else {True: "on", False: "off", None: "neither on nor off"}[value]


def _file(wanted: FileCheck, read_file: ReadFile | None) -> Checked:
    if read_file is None:
        return Checked(False, f"the file `{wanted.path}` cannot be looked at on this surface")
    data = read_file(wanted.path)
    if data is None or not wanted.exists:
        there = data is not None
        return Checked(there == wanted.exists, f"the file `{wanted.path}` {'exists' if there else 'does not exist'}")
    if wanted.sha256 is not None and hashlib.sha256(data).hexdigest() != wanted.sha256:
        return Checked(False, f"the file `{wanted.path}` has another digest")
    if wanted.contains is not None and normal(wanted.contains) not in normal(data.decode("utf-8", "replace")):
        return Checked(False, f"the file `{wanted.path}` does not hold `{wanted.contains}`")
    if wanted.pixels and (other := _pixels(data, wanted.pixels)):
        return Checked(False, f"the file `{wanted.path}` {other}")
    return Checked(True, f"the file `{wanted.path}` is as wanted")


def _pixels(data: bytes, wanted: Mapping[str, str]) -> str:
    """What is not as wanted in a picture, in words; empty when all is."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "BMP")) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return f"is a picture of more than {_MOST_PIXELS} pixels"
            picture = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "is no picture that can be read: a PNG or BMP was expected"
    for at, color in wanted.items():
        x, y = map(int, at.split(","))
        if x >= picture.width or y >= picture.height:
            return f"has no pixel {at}: it is {picture.width}x{picture.height}"
        found = picture.getpixel((x, y))
        assert isinstance(found, tuple)
        shown = "clear" if not found[3] else "#" + bytes(found[:3]).hex()
        if shown != color:
            return f"is {shown} at {at}, not {color}"
    return ""


def _output(name: str, output: Output | None) -> Checked:
    if output is None:
        return Checked(False, f"the output `{name}` was not read")
    if output.problem:
        return Checked(False, f"the output `{name}`: {output.problem}")
    return Checked(True, f"the output `{name}` is `{output.value}`")
