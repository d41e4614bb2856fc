"""Assistants' tests use the shop and the processes of tests/agent, and keys and a store of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for _place in (str(Path(__file__).parent), str(Path(__file__).parents[1] / "agent"), str(Path(__file__).parents[1])):
    if _place not in sys.path:
        sys.path.insert(0, _place)

pytest.importorskip("mcp", reason="the SDK of the protocol is not installed")
pytest.importorskip("sqlalchemy", reason="the console's packages are not installed")


@pytest.fixture
def approver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody listens at a console whose key counts; keys and store are this test's alone."""
    from agent.store.keys import own_key, public_of, trust
    from agent.store.listeners import Listening
    from agent.store.store import Store

    monkeypatch.setenv("AGENT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("AGENT_STORE", f"sqlite:///{tmp_path}/store.db")
    key = public_of(own_key())
    trust(key, "test")
    with Store() as store, Listening(store.listeners, "terminal", key):
        yield
