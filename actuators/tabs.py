"""The pages of one browser context: which is in front, and what happened on them that nobody asked for.

The default is no: confirms and prompts are dismissed, file choosers stay empty, downloads are cancelled. Each becomes
a notice in the runtime's words, so that the model, the policy and the record know of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from actuators.errors import SurfaceLost
from actuators.world import Worlds

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Dialog, Download, Page, Request

__all__ = ["Tab", "Tabs"]


@dataclass(eq=False, slots=True)
class Tab:
    """One page, its CDP session, its isolated worlds, and the requests it waits for."""

    page: Page
    session: CDPSession
    worlds: Worlds
    pending: set[Request] = field(default_factory=set)
    crashed: bool = False


class Tabs:
    """Follows the context: a new page comes to the front; when it closes, the one before it does."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._tabs: list[Tab] = []
        self._notices: list[str] = []
        context.on("page", self._opened)
        for page in context.pages:
            self._add(page)

    @property
    def front(self) -> Tab:
        """The page in front. Raises `SurfaceLost` when there is none or it has crashed."""
        self._tabs = [tab for tab in self._tabs if not tab.page.is_closed()]
        if not self._tabs:
            raise SurfaceLost("the browser has no page any more: it was closed or has crashed")
        tab = self._tabs[-1]
        if tab.crashed:
            raise SurfaceLost("the page has crashed")
        return tab

    def notices(self) -> tuple[str, ...]:
        """What happened since the last call, oldest first."""
        told, self._notices = tuple(self._notices), []
        return told

    def _opened(self, page: Page) -> None:
        if all(tab.page != page for tab in self._tabs):
            self._notices.append("a new tab was opened and is in front now")
            self._add(page)

    def _add(self, page: Page) -> None:
        session = self._context.new_cdp_session(page)
        tab = Tab(page, session, Worlds(page, session))
        self._tabs.append(tab)
        page.on("dialog", self._dialog)
        page.on("download", self._download)
        page.on("filechooser", lambda chooser: self._notices.append("a file chooser was opened and left empty"))
        page.on("crash", lambda _: setattr(tab, "crashed", True))
        page.on("close", lambda _: self._notices.append("a tab was closed"))
        page.on("request", lambda request: tab.pending.add(request))
        page.on("requestfinished", lambda request: tab.pending.discard(request))
        page.on("requestfailed", lambda request: tab.pending.discard(request))

    def _dialog(self, dialog: Dialog) -> None:
        text = " ".join(dialog.message.split())[:200]
        if dialog.type == "alert":
            self._notices.append(f'an alert said "{text}" and was closed')
            dialog.accept()
        else:
            self._notices.append(f'a {dialog.type} dialog asked "{text}" and was dismissed')
            dialog.dismiss()

    def _download(self, download: Download) -> None:
        self._notices.append(f'a download of "{download.suggested_filename[:100]}" was cancelled')
