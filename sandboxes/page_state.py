"""How a page stands: its address, scroll, form fields, and the storage of its browser context.

Kept: cookies, local and session storage, IndexedDB as far as Playwright can write it down, and of the page in front its
address, scroll and fields. Left out, and said: fields that are masked or meant for cards and codes, whatever holds a
secret of the run, chosen files, text in areas that are no form field, frames, other tabs, and what the page keeps only
in memory.

Cookies open the session that they belong to: whoever can read a state can be that visitor. Keep it where only its
owner can.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandboxes.checkpoint import NotKept, State

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

__all__ = ["PageKeeper", "session_script"]

KIND = "page"
_MOST_FIELDS = 400
_MOST_TEXT = 20_000

_READ = """() => {
  const secret = (e) => e.type === 'password' || /(^|\\s)(cc-|one-time-code|current-password|new-password)/
    .test(e.autocomplete || '');
  const label = (e) => {
    if (!e.labels || !e.labels[0]) return '';
    const copy = e.labels[0].cloneNode(true);
    copy.querySelectorAll('input, textarea, select').forEach((one) => one.remove());
    return copy.textContent;
  };
  const words = (e) => (label(e).trim() || e.getAttribute('aria-label')
    || e.placeholder || e.name || e.id || e.type || '').replace(/\\s+/g, ' ').trim().slice(0, 80);
  const chosen = (e) => e.tagName === 'SELECT' && e.selectedIndex >= 0 ? e.options[e.selectedIndex].label : '';
  return {
    url: location.href, origin: location.origin, x: Math.round(scrollX), y: Math.round(scrollY),
    session: (() => { try { return Object.entries(sessionStorage); } catch (e) { return []; } })(),
    free: document.querySelectorAll('[contenteditable]:not([contenteditable=false])').length,
    fields: [...document.querySelectorAll('input, textarea, select')].map((e, at) => ({
      at, tag: e.tagName.toLowerCase(), type: e.type || '', name: e.name || '', words: words(e),
      value: secret(e) ? '' : e.value, chosen: chosen(e), checked: e.checked === true, secret: secret(e),
      usable: !e.disabled && !e.readOnly,
    })).filter((f) => !['hidden', 'submit', 'button', 'image', 'reset'].includes(f.type)),
  };
}"""
_FOCUS = """(at) => {
  const e = document.querySelectorAll('input, textarea, select')[at];
  if (!e) return false;
  e.scrollIntoView({ block: 'center' });
  e.focus();
  if (e.select && e.tagName !== 'SELECT') e.select();
  return document.activeElement === e;
}"""
_SAME = ("tag", "type", "name")


class PageKeeper:
    """Keeps the page in front of one browser context. Implements `Rewindable`.

    Args:
        clean: takes secrets out of a text; what it changes is not kept.
    """

    every_act = False

    def __init__(self, context: BrowserContext, clean: Callable[[str], str]) -> None:
        self._context = context
        self._clean = clean

    def keep(self) -> State:
        """See `Rewindable.keep`."""
        from playwright.sync_api import Error

        try:
            read: dict[str, Any] = self._page().evaluate(_READ)
            storage, left = self._storage()
        except Error as error:
            raise NotKept(f"the page cannot be kept: {str(error).strip().splitlines()[0][:200]}") from None
        if self._tells(read["url"]):
            raise NotKept("the page cannot be kept: its address holds a secret")
        fields, unkept = self._fields(read["fields"])
        session = [pair for pair in read["session"] if not self._tells(json.dumps(pair))]
        left += [f"{len(read['session']) - len(session)} entries of the session storage: they hold a secret"] * (
            len(session) < len(read["session"])
        )
        left += unkept + (["text in areas that are no form field"] if read["free"] else [])
        left += [f"{len(self._context.pages) - 1} other tabs"] * (len(self._context.pages) > 1)
        data = {key: read[key] for key in ("url", "origin", "x", "y")}
        return State(KIND, {**data, "session": session, "fields": fields, "storage": storage}, tuple(left))

    def differs(self, state: State) -> tuple[str, ...]:
        """See `Rewindable.differs`. Looks at the address, the fields that were kept, and the scroll."""
        now, was = self.keep().data, state.data
        if state.kind != KIND:
            raise NotKept(f"a `{state.kind}` is no page")
        told = [] if now["url"] == was["url"] else [f"the address is {now['url']}, it was {was['url']}"]
        here = {field["at"]: field for field in now["fields"]}
        for field in was["fields"]:
            other = here.get(field["at"])
            if other is None or any(other[term] != field[term] for term in _SAME):
                told.append(f"the field \u201c{field['words']}\u201d is not there")
            elif (other["value"], other["checked"]) != (field["value"], field["checked"]):
                told.append(f"the field \u201c{field['words']}\u201d holds something else")
        if (now["x"], now["y"]) != (was["x"], was["y"]):
            told.append(f"it is scrolled to {now['x']}, {now['y']}, it was at {was['x']}, {was['y']}")
        return tuple(told)

    def missing(self, state: State) -> list[Mapping[str, Any]]:
        """The fields of `state` that the page has and that hold something else now, as they were."""
        here = {field["at"]: field for field in self.keep().data["fields"]}
        return [
            field
            for field in state.data["fields"]
            if (other := here.get(field["at"])) is not None
            and all(other[term] == field[term] for term in _SAME)
            and (other["value"], other["checked"]) != (field["value"], field["checked"])
        ]

    def focus(self, field: Mapping[str, Any]) -> bool:
        """Put the focus into a field, its text marked, so that what is typed replaces it."""
        return bool(self._page().evaluate(_FOCUS, field["at"]))

    def scroll(self, state: State) -> None:
        """Show the part of the page that was shown."""
        self._page().evaluate("([x, y]) => scrollTo(x, y)", [state.data["x"], state.data["y"]])

    def _page(self) -> Page:
        if not self._context.pages:
            raise NotKept("there is no page")
        return self._context.pages[-1]

    def _tells(self, text: str) -> bool:
        return self._clean(text) != text

    def _fields(self, read: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
        kept, left = [], []
        for field in read[:_MOST_FIELDS]:
            if field["secret"] or self._tells(field["value"]):
                left.append(f"the field \u201c{self._clean(field['words'])}\u201d: it is for secrets")
            elif field["type"] == "file":
                left.append(f"the field \u201c{field['words']}\u201d: files are chosen anew")
            elif field["usable"] and len(field["value"]) <= _MOST_TEXT:
                kept.append({key: field[key] for key in ("at", *_SAME, "words", "value", "chosen", "checked")})
        return kept, left

    def _storage(self) -> tuple[dict[str, Any], list[str]]:
        """Cookies and storage of the context, less what holds a secret of the run."""
        from playwright.sync_api import Error

        left: list[str] = []
        try:
            found: Any = self._context.storage_state(indexed_db=True)
        except Error:
            found, left = self._context.storage_state(), ["the IndexedDB databases: they cannot be written down"]
        cookies = [one for one in found["cookies"] if not self._tells(one["value"])]
        origins = [self._origin(one) for one in found["origins"]]
        lost = len(found["cookies"]) - len(cookies) + _entries(found["origins"]) - _entries(origins)
        left += [f"{lost} entries of the storage: they hold a secret"] if lost else []
        return {"cookies": cookies, "origins": origins}, left

    def _origin(self, one: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {"origin": one["origin"]}
        for part in ("localStorage", "indexedDB"):
            if part in one:
                kept[part] = [entry for entry in one[part] if not self._tells(json.dumps(entry, ensure_ascii=False))]
        return kept


def _entries(origins: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(one.get(part, ())) for one in origins for part in ("localStorage", "indexedDB"))


def session_script(url: str, entries: Sequence[Sequence[str]]) -> str:
    """A script that fills the session storage of the origin of `url` before its page begins."""
    parts = urlsplit(url)
    origin, pairs = json.dumps(f"{parts.scheme}://{parts.netloc}"), json.dumps(list(entries))
    put = f"for (const [k, v] of {pairs}) sessionStorage.setItem(k, v)"
    return f"if (location.origin === {origin}) {put};"
