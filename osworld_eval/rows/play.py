"""`agent eval rows`: a table of orders, done while everything around it breaks; judged by the shop's own log.

The batch is the ordinary command, `agent run --inputs`. It is started again where it was killed, and once more with
`--rerun-failed` for what broke, as a person would. What counts in the end: how many orders the shop has of each row,
and whether the file of results says so.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from agent.wire_up import terminable
from osworld_eval.rows.faults import FAULTS, Disk, Planned, browser_of, draw, family, killed, of_row

__all__ = ["Verdict", "Wanted", "judged", "main"]

_STARTS = 6
"""Starts of the batch, beside those after it was killed, before what is left counts as not finished."""
_DISK_MB = 160


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says."""

    n: int = 200
    seed: int = 1
    workers: int = 2
    faults: tuple[str, ...] = FAULTS
    folder: Path = Path("runs/rows")
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row, in the end."""

    planned: Planned
    status: str
    """In the file of results; empty where it has no line."""
    orders: int
    """At the shop."""
    true: bool
    """Whether the file says what the shop has."""
    hit: bool
    """Whether its fault was done to it."""

    @property
    def finished(self) -> bool:
        return self.status == ("verified" if self.planned.possible else "business")


def judged(rows: Sequence[Planned], results: Path, orders: Sequence[dict[str, Any]], hit: set[str]) -> list[Verdict]:
    """Every row: what the file of results says, against what the shop has."""
    said = {one["inputs"]["name"]: one for one in map(json.loads, _lines(results))}
    had: dict[str, list[str]] = {}
    for order in orders:
        had.setdefault(str(order["name"]), []).append(str(order["number"]))
    found = []
    for row in rows:
        line, numbers = said.get(row.name), had.get(row.name, [])
        status = str(line["status"]) if line is not None else ""
        found.append(Verdict(row, status, len(numbers), _true(line, numbers), row.fault == "none" or row.name in hit))
    return found


def _true(line: dict[str, Any] | None, numbers: list[str]) -> bool:
    """`verified` stands for exactly the order that it names; `unknown` says that there may be one; else there is none.

    A row without a line says nothing; that is true only while nothing of it has been done.
    """
    if line is None:
        return not numbers
    if line["status"] == "verified":
        return [line["outputs"].get("number")] == numbers
    return len(numbers) <= 1 if line["status"] == "unknown" else not numbers


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text("utf-8").split("\n") if line]
    except OSError:
        return []


class _Stage:
    """The shop, the batch, and whoever breaks them."""

    def __init__(self, wanted: Wanted, rows: list[Planned], disk: Disk | None, say: Any) -> None:
        self._wanted, self._rows, self._disk, self._say = wanted, rows, disk, say
        self._by_name = {row.name: row for row in rows}
        base = wanted.folder.absolute()
        self.log, self._plan, self._held = base / "orders.jsonl", base / "plan.json", base / "held"
        work = disk.place if disk is not None else base
        self._table, self.results, self._runs = work / "rows.csv", work / "results.jsonl", work / "runs"
        self._port = 0
        self._shop: subprocess.Popen[str] | None = None
        self._batch: subprocess.Popen[bytes] | None = None
        self._cut = threading.Event()
        """Set while the machine is being killed."""
        self._away: list[threading.Thread] = []
        self._over = False
        self.hit: set[str] = set()
        self.starts = 0

    def prepare(self) -> None:
        """Write the table and the plan."""
        gone = {"kill of the run", "kill of the machine", "browser crash"}
        plan = {
            row.name: {"fault": row.fault, "moment": row.moment, "gone": row.fault in gone}
            for row in self._rows
            if row.fault != "none"
        }
        self._plan.write_text(json.dumps(plan), "utf-8")
        with self._table.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(["name", "item"])
            writer.writerows([row.name, row.item] for row in self._rows)

    @contextmanager
    def shop(self) -> Iterator[None]:
        """The shop, whoever ends it meanwhile."""
        self._opened()
        try:
            yield
        finally:
            self._over = True
            for thread in self._away:
                thread.join(30)
            if self._shop is not None:
                self._shop.kill()
                self._shop.communicate()

    def _opened(self) -> None:
        words = [sys.executable, "-m", "osworld_eval.rows.shop", "--port", str(self._port)]
        words += ["--log", str(self.log), "--plan", str(self._plan), "--held", str(self._held)]
        pipe = subprocess.PIPE
        shop = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
        assert shop.stdout is not None
        told = json.loads(shop.stdout.readline() or "{}")
        if not told:
            raise RuntimeError("the shop did not start")
        self._port = int(told["url"].rstrip("/").rpartition(":")[2])
        self._shop = shop
        threading.Thread(target=self._heard, args=(shop.stdout,), daemon=True).start()

    def _heard(self, told: IO[str]) -> None:
        """Break what the shop says it is time for."""
        for line in told:
            moment = json.loads(line)
            row = self._by_name[moment["name"]]
            self._say(f"{row.name}: {row.fault}, {row.moment}")
            self.hit.add(row.name)
            try:
                self._broken(row)
            finally:
                (self._held / row.name).touch()

    def _broken(self, row: Planned) -> None:
        batch = self._batch
        pid = of_row(batch.pid, row.name) if batch is not None else None
        match row.fault:
            case "site down":
                self._later(lambda: self._back(row.for_s))
            case "browser crash":
                killed(browser_of(pid) if pid else [])
            case "kill of the run":
                killed([pid] if pid else [])
            case "kill of the machine":
                self._cut.set()
                killed([batch.pid, *family(batch.pid)] if batch is not None else [])
            case "disk full":
                disk = self._disk
                assert disk is not None
                self._later(lambda: disk.full(row.for_s))
                time.sleep(0.3)

    def _later(self, do: Any) -> None:
        thread = threading.Thread(target=do, daemon=True)
        self._away.append(thread)
        thread.start()

    def _back(self, after_s: float) -> None:
        """The shop once more, on the same port and with the same orders."""
        if self._shop is not None:
            self._shop.wait()
        time.sleep(after_s)
        if not self._over:
            self._opened()

    def task(self) -> Path:
        """The task, written for the port that the shop has."""
        url = f"http://127.0.0.1:{self._port}"
        told = {
            "version": 1,
            "name": "order",
            "goal": "Order a {{item}} for {{name}}.",
            "surface": {"browser": {"start": f"{url}/?for={{{{name}}}}&item={{{{item}}}}"}},
            "inputs": {"name": {"type": "string"}, "item": {"type": "string", "default": "teapot"}},
            "policy": {
                "preset": "booking",
                "narrow": {"origins": [url], "ask_above": "250 EUR", "deny_above": "500 EUR", "max_buys": 1},
            },
            "steps": ["type {{name}} into the Name field", "press Order"],
            "success": [{"kind": "text", "contains": "Order of {{name}} confirmed"}],
            "reconcile": [
                {
                    "open": f"{url}/orders?for={{{{name}}}}",
                    "happened": [{"kind": "text", "contains": "Order of {{name}} confirmed"}],
                    "not_happened": [{"kind": "text", "contains": "No order of {{name}}"}],
                }
            ],
            "outputs": {"number": {"type": "string", "after": "Order number", "pattern": "N[0-9]+"}},
            "limits": {"steps": 20, "minutes": 5},
        }
        place = self.log.with_name("order.yaml")
        place.write_text(json.dumps(told), "utf-8")
        return place

    def batches(self, task: Path) -> None:
        """The batch, again and again until nothing of it is left that could still be done."""
        words = [sys.executable, "-m", "agent", "run", str(task), "--model", "plan", "--approve", "deny"]
        words += ["--stop-key", "off", "--inputs", str(self._table), "--results", str(self.results)]
        words += ["--runs", str(self._runs), "--workers", str(self._wanted.workers), "--retries", "3"]
        left, again = _STARTS, False
        while left:
            self.starts += 1
            self._cut.clear()
            more = ["--rerun-failed"] if again else []
            self._batch = batch = subprocess.Popen(
                [*words, *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            try:
                out, _ = batch.communicate()
            except KeyboardInterrupt:
                self._say("interrupted: the batch ends, and what there is by then is judged")
                batch.terminate()
                batch.communicate()
                return
            last = out.decode("utf-8", "replace").strip().splitlines()[-1:]
            self._say(f"batch {self.starts}: {batch.returncode}: {last[0][:200] if last else ''}")
            if self._cut.is_set() and batch.returncode < 0:
                continue
            if batch.returncode in (0, 10):
                return
            left, again = left - 1, True


def main(wanted: Wanted) -> int:
    """Play and print. 0 when every row that can be done is, nothing was done twice, and the file tells the truth.

    Interrupted, it judges what there is: rows that were not begun count as not finished.
    """
    faults = wanted.faults
    if "disk full" in faults and (why := Disk.why_not()):
        print(f"no disk is filled up: {why}", file=sys.stderr)
        faults = tuple(one for one in faults if one != "disk full")
    base = wanted.folder.absolute()
    if base.exists() and any(base.iterdir()):
        print(f"agent eval rows: `{base}` is not empty; name a new folder with --runs", file=sys.stderr)
        return 2
    base.mkdir(parents=True, exist_ok=True)
    rows = draw(wanted.n, wanted.seed, faults)
    disk = Disk(base / "disk", _DISK_MB + 2 * wanted.n) if "disk full" in faults else None
    began = time.monotonic()
    with terminable(), ExitStack() as stack:
        stack.enter_context(disk.mounted() if disk is not None else nullcontext())
        stage = _Stage(wanted, rows, disk, lambda line: print(line, file=sys.stderr, flush=True))
        stage.prepare()
        stack.enter_context(stage.shop())
        stage.batches(stage.task())
        found = judged(rows, stage.results, [json.loads(line) for line in _lines(stage.log)], stage.hit)
        (base / "results.jsonl").write_text("\n".join(_lines(stage.results)) + "\n", "utf-8")
    return _told(found, stage.starts, time.monotonic() - began, wanted.as_json)


def _told(found: Sequence[Verdict], starts: int, seconds: float, as_json: bool) -> int:
    table = [_counted(fault, [one for one in found if one.planned.fault == fault]) for fault in FAULTS]
    table = [one for one in table if one["rows"]] + [_counted("all", found)]
    total = table[-1]
    good = total["finished"] == total["rows"] and not total["twice"] and total["true"] == total["rows"]
    if as_json:
        odd = [_plain(one) for one in found if not (one.finished and one.true and one.orders <= 1)]
        print(json.dumps({"faults": table, "starts": starts, "seconds": round(seconds, 1), "odd": odd}))
        return 0 if good else 1
    print(f"{'fault':<22}{'rows':>6}{'hit':>6}{'finished':>10}{'in doubt':>10}{'twice':>7}{'true':>6}")
    for one in table:
        print("{fault:<22}{rows:>6}{hit:>6}{finished:>10}{doubt:>10}{twice:>7}{true:>6}".format(**one))
    for verdict in found:
        if not (verdict.finished and verdict.true and verdict.orders <= 1):
            print(f"NOT {json.dumps(_plain(verdict))}")
    moments = Counter(one.planned.moment for one in found if one.planned.fault != "none" and one.hit)
    told = ", ".join(f"{count} {moment}" for moment, count in sorted(moments.items()))
    print(f"moments: {told}; {starts} starts of the batch, {seconds:.0f} s, {os.cpu_count()} cores")
    return 0 if good else 1


def _counted(fault: str, found: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "fault": fault,
        "rows": len(found),
        "hit": sum(one.hit for one in found),
        "finished": sum(one.finished for one in found),
        "doubt": sum(one.status == "unknown" for one in found),
        "twice": sum(one.orders > 1 for one in found),
        "true": sum(one.true for one in found),
    }


def _plain(one: Verdict) -> dict[str, Any]:
    row = one.planned
    return {
        "name": row.name, "item": row.item, "fault": row.fault, "moment": row.moment, "status": one.status,
        "orders": one.orders, "true": one.true,
    }  # fmt: skip
