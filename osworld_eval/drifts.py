"""The airline after a redesign: a flow recorded on its old pages is replayed on new ones, and may be healed.

Three kinds: some labels renamed, the layout moved with other ids, a dialog in between that could also sell something.
Each case is drawn by a seed, replayed as a row of a table, and judged by the server's own log: a case is fine when it
is verified with the right booking, or has stopped. What must not be is an effect that nobody asked for.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.flow.warm import Row, Settings, WarmRows
from osworld_eval.bookings import CARD, Result, draw, judged
from osworld_eval.replays import recorded

__all__ = ["KINDS", "Drifted", "Wanted", "drifted", "main"]

KINDS = ("renamed", "moved", "dialog")
_ENDS = ("replayed", "healed", "stopped", "broken", "wrong")


@dataclass(frozen=True, slots=True)
class Drifted:
    """One replay on new pages."""

    kind: str
    result: Result
    healed: tuple[str, ...]
    """What was healed, `step KIND`; of a verified replay without any, the flow went through as it was."""
    extra: str
    """An effect at the server that nobody asked for; empty where there was none."""
    seconds: float

    @property
    def ended(self) -> str:
        """`replayed`, `healed` or `stopped`; `broken` where machinery broke; `wrong` for anything that must not be."""
        if self.result.wrong or self.extra:
            return "wrong"
        if self.result.outcome in ("error", "unknown_effect"):
            return "broken"
        if self.result.outcome != "verified":
            return "stopped"
        return "healed" if self.healed else "replayed"


def drifted(warm: WarmRows, kind: str, seed: int) -> Drifted:
    """One replay, then a look into the server's log."""
    booking = draw(seed)
    site = {"seed": str(seed), "layout": booking.layout, "theme": booking.theme, "mischief": kind}
    began = time.monotonic()
    said = warm.run(Row(booking.inputs, site, again=True))
    result = judged(booking, json.dumps(said), "")
    changes = said.get("healed") or said.get("suggested") or []
    told = tuple(f"{one['step']} {one['kind']} by {one['by']}" for one in changes)
    return Drifted(kind, result, told, _unasked(said), time.monotonic() - began)


def _unasked(said: dict[str, object]) -> str:
    """What the server was told to do that no booking needs."""
    log = Path(str(said.get("folder", ""))) / "site" / "flights.log.jsonl"
    if not log.is_file():
        return ""
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.strip()]
    sold = [one for one in entries if one.get("path") == "/voucher" or one.get("effect") == "cancel"]
    return f"{sold[0].get('method')} {sold[0].get('path')}" if sold else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted."""

    n: int
    first_seed: int
    heal: str
    recorder: str
    model: str
    kinds: tuple[str, ...]
    runs: Path
    as_json: bool


def main(wanted: Wanted) -> int:
    """Record once, replay `n` cases of each kind. Exit 0 when nothing wrong reached the server."""
    n, kinds, runs, as_json = wanted.n, wanted.kinds, wanted.runs, wanted.as_json
    if unknown := set(kinds) - set(KINDS):
        known = ", ".join(KINDS)
        print(f"agent eval drift: there is no kind `{min(unknown)}`, expected some of {known}", file=sys.stderr)
        return 2
    try:
        flow = recorded(wanted.recorder, runs)
    except RuntimeError as problem:
        print(f"agent eval drift: {problem}", file=sys.stderr)
        return 1
    found: list[Drifted] = []
    with WarmRows(Settings(str(flow), str(runs), heal=wanted.heal, model=wanted.model), {**CARD, **os.environ}) as warm:
        for kind in kinds:
            for seed in range(wanted.first_seed, wanted.first_seed + n):
                found.append(drifted(warm, kind, seed))
                if not as_json:
                    print(_row(found[-1]), flush=True)
    counts = {kind: Counter(one.ended for one in found if one.kind == kind) for kind in kinds}
    if as_json:
        print(
            json.dumps(
                {"heal": wanted.heal, "model": wanted.model, "counts": counts, "cases": [asdict(one) for one in found]}
            )
        )
    else:
        for kind in kinds:
            told = ", ".join(
                f"{counts[kind][ended]} {ended}" for ended in ("replayed", "healed", "stopped", "broken", "wrong")
            )
            print(f"{kind}: {told}, of {n}")
    return 1 if any(one.ended == "wrong" for one in found) else 0


def _row(one: Drifted) -> str:
    r = one.result
    why = r.wrong or one.extra or ("" if one.ended == "replayed" else "; ".join(one.healed) or r.because)
    more = f": {r.because}" if one.healed and one.ended == "stopped" else ""
    return f"{one.ended:<9}{one.kind:<8} seed {r.seed} {r.layout:<8}{one.seconds:6.1f} s  {(why + more)[:240]}"
