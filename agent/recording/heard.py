"""What a person does in the pages of a browser, as the listeners in `actuators/page_heard.js` tell it.

They live in a world of their own beside the page's scripts, which can neither see nor call them; values of secret
fields never leave it. Frames of other documents inside a page are only noticed, not listened to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import count
from typing import TYPE_CHECKING, Any

from actuators.geometry import Screen
from actuators.nodes import is_secret, more_of, node_of
from actuators.observation import Node
from actuators.world import Place

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

__all__ = ["Ear", "Heard", "Look", "plain_nodes"]

_WORLD, _CALL = "deskhand-record", "deskhandHeard"
_PARTS = ("page_words.js", "page_sight.js", "page_heard.js", "page_touch.js")
_serial = count()


@dataclass(frozen=True, slots=True)
class Look:
    """What was shown at one moment, without secrets."""

    url: str
    origin: str
    nodes: tuple[Node, ...]
    more: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that a person did. `seen` is what was shown just before."""

    kind: str
    """`click`, `edit`, `choose`, `keys`, `mark`, `open`, `drag`, `frame` or `lost`."""
    at: float
    """Seconds since the epoch."""
    target: Node | None = None
    seen: Look | None = None
    secret: bool = False
    text: str = ""
    choices: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    button: str = "left"
    count: int = 1
    modifiers: tuple[str, ...] = ()
    picture: bytes = b""
    """The last screen before it, secrets blacked out, where the target stood in the same place there."""


@dataclass
class Ear:
    """Listens to every page of a context.

    Args:
        context: with or without pages.
        screen: of the recording.
        secrets: names of fields that are secret beside those that say so themselves, in any case.
    """

    context: BrowserContext
    screen: Screen
    secrets: Sequence[str] = ()
    _came: list[dict[str, Any]] = field(default_factory=list)
    _sessions: dict[Page, Any] = field(default_factory=dict)
    _entries: dict[Page, tuple[int, int]] = field(default_factory=dict)

    def start(self) -> None:
        self.context.on("page", self._listen)
        for page in self.context.pages:
            self._listen(page)

    @property
    def named(self) -> frozenset[str]:
        """The names of fields that were called secret, in lower case."""
        return frozenset(" ".join(name.split()).lower() for name in self.secrets)

    def take(self) -> list[Heard]:
        """What came since the last call, in order."""
        came, self._came = self._came, []
        return [self._read(one) for one in came]

    def went(self) -> list[str]:
        """Addresses that the person went to by hand since the last call: typed, or by the browser's own buttons."""
        from playwright.sync_api import Error

        found = []
        for page, session in list(self._sessions.items()):
            if page.is_closed():
                self._sessions.pop(page)
                continue
            try:
                told = session.send("Page.getNavigationHistory")
            except Error:
                continue
            index, entries = told["currentIndex"], told["entries"]
            now = (index, entries[index]["id"])
            before = self._entries.get(page)
            self._entries[page] = now
            if before is None or now == before:
                continue
            by_hand = entries[index]["transitionType"] in (
                "typed",
                "auto_bookmark",
                "generated",
                "keyword",
                "address_bar",
            )
            if by_hand or index < before[0]:
                found.append(str(entries[index]["url"]))
        return found

    def _listen(self, page: Page) -> None:
        from playwright.sync_api import Error

        try:
            session = self.context.new_cdp_session(page)
            session.on("Runtime.bindingCalled", self._called)
            session.send("Runtime.enable")
            session.send("Page.enable")
            session.send("Runtime.addBinding", {"name": _CALL, "executionContextName": _WORLD})
            given = {"source": self._source(), "worldName": _WORLD, "runImmediately": True}
            session.send("Page.addScriptToEvaluateOnNewDocument", given)
        except Error:  # it has gone already
            return
        self._sessions[page] = session

    def _source(self) -> str:
        parts = [resources.files("actuators").joinpath(part).read_text("utf-8") for part in _PARTS]
        named = json.dumps(sorted(self.named))
        head = f"const PREFIX = 'h{next(_serial)}-' + Date.now().toString(36);\nconst NAMED_SECRET = {named};\n"
        return f"(() => {{ {head}{''.join(parts)}\n}})()"

    def _called(self, event: dict[str, Any]) -> None:
        if event["name"] == _CALL:
            self._came.append(json.loads(event["payload"]))

    def _read(self, told: dict[str, Any]) -> Heard:
        seen, target = told.get("seen"), told.get("target")
        secret = bool(target and target.pop("secret", False))
        node = node_of(target, self.screen, Place()) if target else None
        return Heard(
            told["kind"],
            told["at"] / 1000,
            node,
            self._look(seen) if seen else None,
            secret or (node is not None and is_secret(node)),
            str(told.get("text") or told.get("why") or ""),
            tuple(told.get("choices", ())),
            tuple(told.get("keys", ())),
            str(told.get("button", "left")),
            int(told.get("count", 1)),
            tuple(told.get("modifiers", ())),
        )

    def _look(self, seen: dict[str, Any]) -> Look:
        told = [{**one, "form": seen["forms"][one["form"]] if one["form"] >= 0 else None}
                for one in seen["nodes"] if "remote" not in one]  # fmt: skip
        nodes = [node_of(one, self.screen, Place()) for one in told]
        return Look(seen["url"], seen["origin"], plain_nodes(nodes), more_of(seen), seen["title"])


def plain_nodes(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Nodes with nothing in those fields that nobody may read."""
    from dataclasses import replace

    return tuple(replace(node, value="") if is_secret(node) else node for node in nodes if node.rect.area)
