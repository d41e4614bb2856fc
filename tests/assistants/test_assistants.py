"""An assistant asks, policy and people decide: with the official client, over pipes and over HTTP."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from assistant import TOKEN, Assistant, approve_what_waits, by_http, by_pipes, serving
from procs import BOOK, Shop, agent, shop

from agent.assistants.serve import Options, serve

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

TOOLS = ["act", "close_surface", "list_tasks", "look", "open_surface", "pending_approvals", "replay_flow", "run_status",
         "run_task", "screenshot", "stop_run", "surface_status"]  # fmt: skip


async def to_the_end(one: Assistant, run: str) -> dict[str, Any]:
    """Until it has ended or waits for a person."""
    told: dict[str, Any] = {}
    for _ in range(12):
        told = await one.ask("run_status", run=run, wait_s=20)
        if told["state"] != "running":
            break
    return told


def tasks_of(here: Shop, folder: Path) -> Path:
    """A purchase that a person is asked about, and one that is too dear for anybody."""
    here.task(folder, name="dear.yaml")
    told = json.loads((folder / "dear.yaml").read_text())
    told["policy"]["narrow"] |= {"deny_above": "260 EUR"}
    (folder / "far.yaml").write_text(json.dumps({**told, "name": "far"}))
    return folder


def test_a_run_waits_for_a_person_whom_no_assistant_can_be(tmp_path: Path, approver: None) -> None:
    async def talk(url: str, here: Shop) -> None:
        async with by_http(url) as one:
            assert await one.tools() == TOOLS  # and none of them answers a question
            assert [task["task"] for task in (await one.ask("list_tasks"))["tasks"]] == ["dear.yaml", "far.yaml"]
            begun = await one.ask("run_task", task="dear.yaml", wait_s=0)
            waits = await to_the_end(one, begun["run"])
            assert waits["state"] == "waits for a person" and "300.00 EUR" in waits["pending"][0], json.dumps(waits)
            assert (await one.ask("pending_approvals"))["waiting"][0]["run"] == begun["run"]
            [picture] = await one.shown("screenshot", of=begun["run"])
            assert picture.type == "image" and picture.mime_type == "image/png"
            assert here.posts == []
            assert approve_what_waits() == 0
            ended = await to_the_end(one, begun["run"])
            assert (ended["state"], ended["outcome"]) == ("ended", "verified"), json.dumps(ended)
            assert here.posts == ["/buy"]

    with (
        shop(price="300.00 EUR") as here,
        serving(tasks_of(here, tmp_path / "tasks"), tmp_path / "runs", "--approve", "console") as url,
    ):
        asyncio.run(talk(url, here))


def test_without_the_token_or_under_another_name_nothing_is_answered(tmp_path: Path) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18",
             "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}  # fmt: skip
    headers = {"accept": "application/json, text/event-stream", "authorization": f"Bearer {TOKEN}"}
    (tmp_path / "tasks").mkdir()

    async def wrong_things(url: str) -> None:
        async with by_http(url) as one:
            assert "there is no task `../dear.yaml`" in await one.refused("run_task", task="../dear.yaml")
            assert "`wait_s`: input should be less" in await one.refused("run_task", task="x", wait_s=900)
            assert "`task`: field required" in await one.refused("run_task")
            assert "there is no run `r9`" in await one.refused("run_status", run="r9")
            assert "no surface `s1` is open" in await one.refused("act", session="s1", do="click")
            assert "`do`" in await one.refused("act", session="s1", do="approve")

    with serving(tmp_path / "tasks", tmp_path / "runs") as url, httpx.Client(headers=headers) as http:
        assert http.post(url, json=hello).status_code == 200
        for wrong in ("", "Bearer", "Bearer another", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
            assert http.post(url, json=hello, headers={"authorization": wrong}).status_code == 401
        assert http.get(url.removesuffix("/mcp"), headers={"authorization": ""}).status_code == 401
        assert http.post(url, json=hello, headers={"host": "evil.example"}).status_code == 421
        assert http.post(url, json=hello, headers={"origin": "http://evil.example"}).status_code == 403
        asyncio.run(wrong_things(url))


def test_what_the_command_line_gets_wrong_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = (tmp_path,)
    for options, said in (
        (Options(tasks=(tmp_path / "none",)), "which is not there"),
        (Options(tasks=mine, approve="tty"), "there is no terminal"),
        (Options(tasks=mine, tier="all"), "--tier takes one of"),
        (Options(tasks=mine, policy=("nothing",)), "nothing"),
    ):
        assert serve(options) == 2
        told = capsys.readouterr()
        assert said in told.err and told.err.count("\n") == 1 and not told.out, told.err


@pytest.mark.slow
def test_policy_refuses_a_run_and_an_act_alike(tmp_path: Path, approver: None) -> None:
    async def talk(here: Shop, tasks: Path) -> None:
        async with by_pipes(tasks, tmp_path / "runs", "--approve", "console") as one:
            begun = await one.ask("run_task", task="far.yaml", wait_s=0)
            ended = await to_the_end(one, begun["run"])
            assert ended["outcome"] == "denied" and here.posts == [], ended
            opened = await one.ask("open_surface", task="far.yaml")
            mine = opened["session"]
            [pay] = [line.split()[0] for line in opened["screen"] if 'button "Pay 300.00 EUR"' in line]
            assert "there is no node" in await one.refused("act", session=mine, do="click", node="d9.9")
            came = await one.ask("act", session=mine, do="click", node=pay)
            assert came["status"] == "refused" and came["verdict"] == "deny" and came["state"] == "ready", came
            [more] = [line.split()[0] for line in came["screen"] if 'button "More"' in line]
            came = await one.ask("act", session=mine, do="click", node=more)
            assert came["status"] == "done" and '"1"' in came["screen"][0], came
            text, picture = await one.shown("look", session=mine)
            assert "Pay 300.00 EUR" in text.text and picture.type == "image"
            ended = await one.ask("close_surface", session=mine)
            assert ended["outcome"] == "done_unverified" and here.posts == []
            opened = await one.ask("open_surface", task="dear.yaml")
            mine = opened["session"]
            [pay] = [line.split()[0] for line in opened["screen"] if 'button "Pay 300.00 EUR"' in line]
            came = await one.ask("act", session=mine, do="click", node=pay, wait_s=50)
            assert came["state"] == "waits for a person" and "300.00 EUR" in came["pending"][0], came
            assert "not over yet" in await one.refused("look", session=mine)
            assert here.posts == [] and approve_what_waits() == 0
            came = await one.ask("surface_status", session=mine, wait_s=50)
            assert (came["status"], came["answer"]) == ("done", "approved") and here.posts == ["/buy"], came
            assert (await one.ask("close_surface", session=mine))["outcome"] == "verified"

    with shop(price="300.00 EUR") as here:
        asyncio.run(talk(here, tasks_of(here, tmp_path / "tasks")))
    for folder in (tmp_path / "runs").iterdir():
        assert agent("audit", "verify", folder).code == 0


@pytest.mark.slow
def test_a_flight_is_booked_and_booked_again_as_a_flow(tmp_path: Path, approver: None) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "book.yaml").write_text(BOOK.read_text().replace("ask_above: 250 EUR", "ask_above: 20 EUR"))

    async def booked(one: Assistant, tool: str, **given: Any) -> dict[str, Any]:
        begun = await one.ask(tool, wait_s=0, **given)
        waits = await to_the_end(one, begun["run"])
        assert waits["state"] == "waits for a person", json.dumps(waits)
        assert approve_what_waits() == 0
        ended = await to_the_end(one, begun["run"])
        assert (ended["state"], ended["outcome"]) == ("ended", "verified"), json.dumps(ended)
        log = (Path(ended["folder"]) / "site" / "flights.log.jsonl").read_text().splitlines()
        [bought] = [one for one in map(json.loads, log) if one["effect"] == "purchase"]
        assert bought["reference"] == ended["outputs"]["reference"]
        return ended

    async def talk() -> None:
        async with by_pipes(tasks, tmp_path / "runs", "--approve", "console") as one:
            first = await booked(one, "run_task", task="book.yaml", inputs={"destination": "Rome"})
            flow = Path(first["folder"]).name
            assert {"flow": flow} in (await one.ask("list_tasks"))["flows"]
            await booked(one, "replay_flow", flow=flow, inputs={"destination": "Lisbon"})

    asyncio.run(talk())
