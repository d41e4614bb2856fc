"""The phone on a port: in a thread of its own, or in the foreground for a person."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.android.phone.adbd import Link
from tests.android.phone.apps import App
from tests.android.phone.contacts_app import Contacts
from tests.android.phone.device import Adbd, Phone
from tests.android.phone.launcher import Launcher
from tests.android.phone.messages_app import Messages
from tests.android.phone.pages_app import Pages
from tests.android.phone.settings_app import Settings
from tests.android.phone.shop_app import Shop

T = TypeVar("T")
APPS: tuple[type[App], ...] = (Launcher, Settings, Contacts, Messages, Shop, Pages)


class Served:
    """A phone that listens on loopback. `with Served() as served:` starts it and ends it."""

    def __init__(self, port: int = 0, **given: Any) -> None:
        self._port = port
        self._given = given
        self._links: set[Link] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._problem: BaseException | None = None
        self.phone = Phone(APPS, **given)

    @property
    def port(self) -> int:
        return self._port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        if self._problem is not None:
            raise self._problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def renew(self, **given: Any) -> None:
        """Another phone on the same port, as new; one that was unplugged listens again."""
        self.phone = Phone(APPS, **{**self._given, **given})
        if self._server is None:
            self.plug_in()

    def end(self) -> None:
        if self._thread.is_alive():
            self.unplug()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def do(self, what: Callable[[], T]) -> T:
        """Run something where the phone lives, and wait for it."""

        async def done() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def unplug(self, for_good: bool = True) -> None:
        """Cut every cable; `for_good` also stops listening."""

        def cut() -> None:
            if for_good and self._server is not None:
                self._server.close()
                self._server = None
            for link in list(self._links):
                link.cut()

        self.do(cut)

    def plug_in(self) -> None:
        """Listen again on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def cut_during(self, word: str, after_s: float = 0.1, for_good: bool = True) -> None:
        """Cut the cable soon after a program with this word among its words begins; once."""

        async def before(words: list[str]) -> None:
            if word in words:
                self.phone.before = None
                self._loop.call_later(after_s, self._cut_now, for_good)
                if not after_s:
                    await asyncio.sleep(0.05)

        self.phone.before = before

    def _cut_now(self, for_good: bool) -> None:
        if for_good and self._server is not None:
            self._server.close()
            self._server = None
        for link in list(self._links):
            link.cut()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen())
        except OSError as problem:
            self._problem = problem
        self._ready.set()
        if self._problem is None:
            self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(Adbd(lambda: self.phone), reader, writer)  # type: ignore[arg-type]
        self._links.add(link)
        try:
            await link.serve()
        finally:
            self._links.discard(link)
