"""A rehearsal: an act done in a shadow of the page, and what it would have sent, for a person and for the wire.

Only presses and keys can be rehearsed. The shadow is pressed at the same point, and only if the same thing lies there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from actuators.action import Action, Click, PressKeys
from actuators.geometry import Screen
from actuators.observation import Target
from policies.money import Money
from policies.sent import Sent, effect_of, sent_of
from sandboxes.chromium import Chromium
from sandboxes.shadow import Shadowed, Shadows
from sandboxes.wire import Held, WireJudge

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

__all__ = ["Rehearsal", "Rehearser", "line_of"]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an act would have sent. No values of fields."""

    requests: tuple[Sent, ...] = ()
    goes_to: str = ""
    drift: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    """What the page would say that it does not say now, or no longer."""
    failed: str = ""
    """Why it could not be rehearsed; empty when it was."""

    @property
    def shapes(self) -> tuple[str, ...] | None:
        return None if self.failed else tuple(sent.shape for sent in self.requests)

    def lines(self) -> list[str]:
        """For a person: one line for each request, then what differs."""
        if self.failed:
            return [f"it could not be rehearsed: {self.failed}"]
        lines = [f"would send {line_of(sent)}" for sent in self.requests] or ["would send nothing"]
        lines += [f"would lead to {self.goes_to}"] if self.goes_to else []
        lines += self.shows
        return lines + [f"the shadow is not the live page: {one}" for one in self.drift]


def line_of(sent: Sent, money: Money | None = None) -> str:
    """A request for a person: method, address, names of fields, amount, and what it is taken for."""
    amount = money or sent.amount
    fields = ", ".join(part.name for part in sent.parts)
    told = [sent.shown, f"{sent.size} bytes", f"fields {fields}" if fields else "", str(amount) if amount else ""]
    return "; ".join(filter(None, [*told, f"taken as {effect_of(sent).kind}"]))


class Rehearser:
    """Rehearses acts on the page in front of one browser. Use as a context manager; starts nothing before it is asked.

    Args:
        chromium: the live browser.
        context: the run's own in it; the newest page is in front.
        wire: the live page's own gate; asked for reads.
        leaks: names of secrets in a request; see `policies.secrets.SecretStore.leaks`.
    """

    def __init__(
        self, chromium: Chromium, context: BrowserContext, wire: WireJudge, leaks: Callable[[Held], tuple[str, ...]]
    ) -> None:
        self._shadows = Shadows(chromium.like)
        self._context = context
        self._wire = wire
        self._leaks = leaks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shadows.close()

    def __call__(self, action: Action, target: Target, screen: Screen) -> Rehearsal:
        """Never raises for what a page can cause: what goes wrong is a rehearsal that failed."""
        from playwright.sync_api import Error, Page

        if not isinstance(action, Click | PressKeys):
            return Rehearsal(failed=f"`{action.kind}` cannot be rehearsed")
        pages = self._context.pages
        if not pages:
            return Rehearsal(failed="there is no page")

        def do(page: Page) -> None:
            if isinstance(action, Click):
                point = screen.to_logical(action.at)
                if name := _another(page, point, target):
                    raise _Differs(name)
                page.mouse.click(*point, button=action.button, click_count=action.count)
            else:
                page.keyboard.press("+".join(_KEYS.get(key, key) for key in action.keys))

        try:
            found = self._shadows.of(pages[-1], self._wire, do)
        except _Differs as differs:
            return Rehearsal(failed=f"another thing lies there in the shadow: {differs}")
        except Error as error:
            return Rehearsal(failed=str(error).strip().splitlines()[0][:200])
        return self._told(found)

    def _told(self, found: Shadowed) -> Rehearsal:
        sent = tuple(sent_of(held, self._leaks(held)) for held in found.would_send)
        return Rehearsal(sent, found.goes_to, found.drift, found.shows)


class _Differs(Exception):
    pass


_KEYS = {"enter": "Enter", "space": "Space", "ctrl": "Control", "tab": "Tab", "escape": "Escape", "shift": "Shift"}
_UNDER = """([x, y]) => { let e = document.elementFromPoint(x, y);
  e = e && (e.closest('button, a, input, label, select, [role]') || e);
  return e ? [e.tagName.toLowerCase(), (e.innerText || e.value || '').trim()] : ['', ''] }"""


def _another(page: object, point: tuple[float, float], target: Target) -> str:
    """What lies under the point of the shadow when it is not what was judged; empty when it is."""
    tag, words = page.evaluate(_UNDER, list(point))  # type: ignore[attr-defined]
    node = target.node
    if node is None or (tag == node.tag.lower() and (not words or " ".join(words.split()) in (node.name, node.value))):
        return ""
    return f'{tag or "nothing"} "{" ".join(words.split())[:60]}"'
