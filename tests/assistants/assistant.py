"""A client by the official SDK, over pipes or over HTTP, and `agent mcp` behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from procs import ROOT, environment

TOKEN = "a-token-of-this-test"


class Assistant:
    """What an assistant does: call tools and read what they say."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def tools(self) -> list[str]:
        return sorted(tool.name for tool in (await self.client.list_tools()).tools)

    async def ask(self, tool: str, **given: Any) -> dict[str, Any]:
        """The structured answer of a tool that worked."""
        came = await self.client.call_tool(tool, given)
        assert not came.is_error, came.content
        assert came.structured_content is not None
        return dict(came.structured_content)

    async def refused(self, tool: str, **given: Any) -> str:
        """The one line of a tool that did not."""
        came = await self.client.call_tool(tool, given)
        assert came.is_error and len(came.content) == 1
        line = str(came.content[0].text)
        assert "\n" not in line and "Traceback" not in line
        return line

    async def shown(self, tool: str, **given: Any) -> list[Any]:
        came = await self.client.call_tool(tool, given)
        assert not came.is_error, came.content
        return list(came.content)


def words(tasks: Path, runs: Path, *more: str) -> list[str]:
    return ["-m", "agent", "mcp", "--tasks", str(tasks), "--runs", str(runs), "--model", "plan", *more]


@asynccontextmanager
async def by_pipes(tasks: Path, runs: Path, *more: str) -> AsyncIterator[Assistant]:
    server = StdioServerParameters(
        command=sys.executable, args=words(tasks, runs, *more), env=environment(), cwd=str(ROOT)
    )
    async with Client(stdio_client(server)) as client:
        yield Assistant(client)


@contextmanager
def serving(tasks: Path, runs: Path, *more: str) -> Iterator[str]:
    """`agent mcp --http`; the address of its endpoint."""
    child = subprocess.Popen(
        [sys.executable, *words(tasks, runs, "--http", "0", *more)],
        env=environment(AGENT_MCP_TOKEN=TOKEN),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert child.stdout is not None
        yield child.stdout.readline().split()[-1]
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(40)
        child.kill()
        child.communicate()


@asynccontextmanager
async def by_http(url: str, token: str = TOKEN) -> AsyncIterator[Assistant]:
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=120) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield Assistant(client)


def approve_what_waits() -> int:
    """Say yes to the one question that stands in the store, as `agent approve` does."""
    from agent.answering import Given, answer
    from agent.store.store import Store

    with Store() as store:
        [waiting] = store.requests.waiting()
    assert os.environ["AGENT_CONFIG"]
    return answer(Given(waiting.id, "approved"))
