"""A store, a console that serves on it, people, and questions that wait: everything real but the run."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent
for _place in (str(_HERE), str(_HERE.parents[1])):
    if _place not in sys.path:
        sys.path.insert(0, _place)

pytest.importorskip("sqlalchemy", reason="the console's packages are not installed")
pytest.importorskip("fastapi", reason="the console's packages are not installed")

import uvicorn  # noqa: E402
from console_desk import PASSWORDS, ROLES, Console, Desk, Serve  # noqa: E402

from agent.console.app import Settings, made  # noqa: E402
from agent.store.keys import own_key, public_of  # noqa: E402
from agent.store.listeners import Listening  # noqa: E402
from agent.store.store import Store  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys and store of this test alone."""
    monkeypatch.setenv("AGENT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("AGENT_STORE", f"sqlite:///{tmp_path}/store.db")
    return tmp_path


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store(pool=20) as opened:
        yield opened


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    key = public_of(own_key())
    with Listening(store.listeners, "console", key, "http://127.0.0.1:1"):
        made_up = Desk(store, (key,))
        yield made_up
        for asking in made_up.asked:
            with suppress(Exception):
                store.requests.close(asking.id, "withdrawn")
        for asking in made_up.asked:
            asking.join(5)


@pytest.fixture(scope="session")
def hashed() -> dict[str, str]:
    """The passwords as they are kept; made once, since that is slow on purpose."""
    from agent.store.people import _hashed

    return {name: _hashed(password) for name, password in PASSWORDS.items()}


@pytest.fixture
def serve(store: Store, hashed: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Serve]:
    """Starts consoles; each ends with the test."""
    import agent.store.people as people

    with monkeypatch.context() as patch:
        patch.setattr(
            people, "_hashed", lambda password: next(h for n, h in hashed.items() if PASSWORDS[n] == password)
        )
        for name, role in ROLES.items():
            store.people.put(name, role, PASSWORDS[name])
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(**more: Any) -> Console:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings((origin,), tmp_path / "runs", **more)
        config = uvicorn.Config(
            made(store, own_key(), settings),
            log_level="error",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        running.append((server, thread))
        until = time.monotonic() + 30
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        assert server.started
        return Console(origin, store, settings)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def console(serve: Serve) -> Console:
    return serve()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for all tests, without the walls of ours, which keep it from the console."""
    from sandboxes.chromium import driver, find_chromium

    found = find_chromium()
    browser = driver.hold().chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
    try:
        yield browser
    finally:
        browser.close()
        driver.release()


@pytest.fixture
def page_of(chromium: Any, console: Console) -> Iterator[Any]:
    """Opens pages as an operator, wide or narrow; a page that logs an error or breaks its policy fails the test."""
    contexts, wrong = [], []

    def opened(name: str, width: int = 1280, dark: bool = False) -> Any:
        scheme = "dark" if dark else "light"
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_default_timeout(40_000)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda said: wrong.append(f"{said.text} {said.location['url']}") if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(console.link(name))
        page.get_by_role("button", name="Come in").click()
        page.wait_for_url("**/waiting")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in wrong if "409" not in one and not one.endswith(("/runs/nothing", "/hand"))] == []
