"""A shadow of a page: a second browser with the same cookies, storage, form values and scroll, that can change nothing.

It shows what an act *would* send. Whatever is no plain read is written down and kept back; a read goes only where the
live page's own gate lets it go. Its context is thrown away afterwards, and its browser with the run.

What it does not show: what the page keeps in memory, sockets that are open, files that were chosen, and what a server
would have answered. So it is a preview and never a proof; the wire compares what is really sent with what it showed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sandboxes.page_state import session_script
from sandboxes.wire import Held, WireJudge

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from sandboxes.chromium import Chromium

__all__ = ["Shadowed", "Shadows", "shadowed"]

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOAD_MS = 10_000
_WAIT_MS = 1_500
_MOST_LINES, _LINE = 5, 120

_STATE = """() => ({
  session: Object.entries(sessionStorage), x: scrollX, y: scrollY, text: document.body ? document.body.innerText : '',
  focus: [...document.querySelectorAll('input, textarea, select')].indexOf(document.activeElement),
  fields: [...document.querySelectorAll('input, textarea, select')].map((e) =>
    e.type === 'file' ? null : [e.tagName, e.type, e.name, e.value, e.checked === true]),
})"""
_PUT = """(state) => {
  const fields = [...document.querySelectorAll('input, textarea, select')];
  let put = 0;
  fields.forEach((e, i) => {
    const was = state.fields[i];
    if (!was || was[0] !== e.tagName || was[1] !== e.type || was[2] !== e.name || e.type === 'hidden') return;
    e.value = was[3];
    if (was[1] === 'checkbox' || was[1] === 'radio') e.checked = was[4];
    put += 1;
  });
  if (fields[state.focus]) fields[state.focus].focus();
  scrollTo(state.x, state.y);
  return [put, state.fields.filter((was) => was && was[1] !== 'hidden').length];
}"""


@dataclass
class Shadowed:
    """What came of an act in the shadow."""

    would_send: list[Held] = field(default_factory=list)
    """Requests that would have left, in order. Nothing of them did."""
    goes_to: str = ""
    """Where a read would have led the page, when it left its address; empty when it stayed."""
    shows: tuple[str, ...] = ()
    """What its text would say that it did not say before, or no longer, one line each."""
    drift: tuple[str, ...] = ()
    """In what the shadow differed from the live page before the act, one line each."""


class Shadows:
    """Shadows of the pages of one live browser, one after the other, each in a context of its own.

    The second browser starts with the first of them and stays up for the next, which is most of what a shadow costs. A
    context shares no cookies, storage or cache with another, and ends with its shadow; between two of them nothing
    leaves. Use as a context manager.

    Args:
        make: a new browser, not started, like the live one, with this judge at its wire.
    """

    def __init__(self, make: Callable[[WireJudge], Chromium]) -> None:
        self._make = make
        self._browser: Chromium | None = None
        self._judge: WireJudge = _nothing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the second browser. May be called twice; the next shadow starts another."""
        browser, self._browser, self._judge = self._browser, None, _nothing
        if browser is not None:
            browser.close()

    def of(self, live: Page, reads: WireJudge, do: Callable[[Page], None]) -> Shadowed:
        """Make a shadow of `live`, act in it, and tell what it would have sent.

        Args:
            live: the page; it is only read.
            reads: whether a read may be made at all; asked for every one.
            do: the act, on the shadow's page.

        Raises:
            playwright.sync_api.Error: the page cannot be copied, or the act cannot be done there.
        """
        state = live.evaluate(_STATE)
        storage: Any = live.context.storage_state(indexed_db=True)
        taken = _Taken(reads)
        with self._context(storage, taken) as context:
            context.add_init_script(session_script(live.url, state["session"]))
            return _played(context.new_page(), live.url, state, taken, do)

    @contextmanager
    def _context(self, storage: Any, judge: WireJudge) -> Iterator[BrowserContext]:
        """A context of its own; one that breaks takes the browser along, so that the next begins afresh."""
        try:
            if self._browser is None:
                self._browser = self._make(lambda held: self._judge(held)).__enter__()
            self._judge = judge
            context = self._browser.new_context(storage=storage)
            yield context
            context.close()
        except BaseException:
            self.close()
            raise
        finally:
            self._judge = _nothing


def shadowed(
    live: Page, make: Callable[[WireJudge], Chromium], reads: WireJudge, do: Callable[[Page], None]
) -> Shadowed:
    """One shadow, in a browser that ends with it; see `Shadows.of`."""
    with Shadows(make) as shadows:
        return shadows.of(live, reads, do)


def _nothing(held: Held) -> bool:
    return False


@dataclass
class _Taken:
    """The judge at a shadow's wire: reads go where they may, everything else is written down and kept back."""

    reads: WireJudge
    acting: bool = False
    would_send: list[Held] = field(default_factory=list)

    def __call__(self, held: Held) -> bool:
        if held.method in _READS and held.kind != "websocket":
            return self.reads(held)
        if self.acting:
            self.would_send.append(held)
        return False


def _played(page: Page, url: str, state: Any, taken: _Taken, do: Callable[[Page], None]) -> Shadowed:
    from playwright.sync_api import Error

    page.goto(url, wait_until="load", timeout=_LOAD_MS)
    put, wanted = page.evaluate(_PUT, state)
    before = page.evaluate(_STATE)["text"]
    found = Shadowed(taken.would_send, drift=_drift(state["text"], before, put, wanted))
    taken.acting = True
    do(page)
    for _ in range(_WAIT_MS // 50):
        page.wait_for_timeout(50)
        if found.would_send:
            page.wait_for_timeout(150)  # what comes with it
            break
    found.goes_to = page.url if page.url != url else ""
    with suppress(Error):  # it may be on its way to another page
        found.shows = _changed(before, page.evaluate(_STATE)["text"])
    return found


def _changed(before: str, after: str) -> tuple[str, ...]:
    """Lines that came and lines that went, the first few of each."""
    was, now = (list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines())) for text in (before, after))
    came = [f'would show "{line[:_LINE]}"' for line in now if line and line not in was]
    went = [f'would no longer show "{line[:_LINE]}"' for line in was if line and line not in now]
    return (*came[:_MOST_LINES], *went[:_MOST_LINES])


def _drift(live: str, shadow: str, put: int, wanted: int) -> tuple[str, ...]:
    told = []
    if live.split() != shadow.split():
        here, there = set(live.splitlines()), set(shadow.splitlines())
        gone = len([line for line in here - there if line.strip()])
        more = len([line for line in there - here if line.strip()])
        told.append(f"its text differs: {gone} lines of the live page are missing, {more} are others")
    if put != wanted:
        told.append(f"{wanted - put} of {wanted} fields could not be filled as they are on the live page")
    return tuple(told)
