"""`agent pending`, `agent approve`, `agent deny`: questions answered from a terminal, on any machine with the store.

The answer is signed with this user's own key (`agent.store.keys`), so it counts only where that key is on the run's
list, and it is refused where somebody else has been asked or has answered.
"""

from __future__ import annotations

import getpass
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from agent.outcome import USAGE
from agent.store.keys import own_key, public_of, sign
from agent.store.listeners import Listening
from agent.store.requests import Asked
from agent.store.store import Store
from agent.store.where import KeyUnusable, StoreUnusable
from policies.approval import GRANT_S, LONGEST_GRANT_S, Answer, Said
from policies.approver import clean

__all__ = ["Given", "answer", "pending", "shown"]


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says."""

    request: str
    answer: Said
    for_run: bool = False
    minutes: int = GRANT_S // 60
    value: str = ""


def pending(as_json: bool, watch: bool) -> int:
    """Print what waits; with `watch` go on, and count as somebody who listens, until Ctrl+C."""
    try:
        with ExitStack() as stack:
            store = stack.enter_context(Store())
            if watch:
                stack.enter_context(Listening(store.listeners, "terminal", public_of(own_key())))
            return _watched(store, as_json) if watch else _listed(store, as_json)
    except (StoreUnusable, KeyUnusable) as error:
        print(f"agent pending: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return 0


def _listed(store: Store, as_json: bool) -> int:
    waiting = store.requests.waiting(1000)
    if as_json:
        print(json.dumps([_plain(one) for one in waiting], ensure_ascii=False))
        return 0
    for one in waiting:
        print("\n".join(shown(one)))
    if not waiting:
        print("nothing waits")
    return 0


def _watched(store: Store, as_json: bool) -> int:
    seen: set[str] = set()
    if not as_json:
        print("listening; answer with `agent approve ID` or `agent deny ID`", flush=True)
    while True:
        for one in store.requests.waiting(1000):
            if one.id not in seen:
                seen.add(one.id)
                print(json.dumps(_plain(one), ensure_ascii=False) if as_json else "\n".join(shown(one)), flush=True)
        time.sleep(0.3)


def shown(asked: Asked) -> list[str]:
    """A question as lines for a terminal."""
    told = asked.told
    left = "waits" if asked.expires_at is None else f"{max(0, asked.expires_at - time.time()):.0f} s left"
    lines = [f"{asked.id}  step {told['step'] + 1} of {clean(asked.run)}, {left}", f"  would   {told['would']}"]
    if told["request"]:
        lines.append(f"  with    {told['request']['size']} bytes: {fields_of(told['request'])}")
    lines.append(f"  in      {told['in']} ({told['surface']})")
    lines += [f"  leads   to {told['leads']}"] if told["leads"] else []
    lines.append(f"  effect  {told['effect']}" + (f": {told['why']}" if told["why"] else ""))
    lines += [f"  costs   {told['costs']}"] if told["costs"] else []
    lines += [f"  rehearsed: it {line}" for line in told["told"]]
    lines.append(f"  why ask {told['reason']} [{', '.join(told['rules'])}]")
    lines += [f"  only    {asked.assigned} or an admin may answer"] if asked.assigned else []
    return lines


def fields_of(request: dict[str, Any]) -> str:
    """Names of fields, with their values: as they are, a file, or so many characters that are not shown."""
    named = (
        f"{name} (a file)" if file else f"{name}={value}" if value else f"{name} ({length} characters)"
        for name, length, file, value in request["fields"]
    )
    return ", ".join(named) or "nothing that can be read"


def _plain(asked: Asked) -> dict[str, Any]:
    left = None if asked.expires_at is None else round(asked.expires_at - time.time(), 1)
    told = {"id": asked.id, "run": asked.run, "seconds_left": left, "digest": asked.digest, "card": asked.told}
    return {**told, "assigned": asked.assigned, "on_timeout": asked.on_timeout}


def answer(given: Given) -> int:
    """Answer one question. Returns 0 when the answer won, 1 when it did not, 2 when there is no such question."""
    try:
        with Store() as store:
            return _answered(store, given)
    except (StoreUnusable, KeyUnusable) as error:
        print(f"agent {_verb(given)}: {error}", file=sys.stderr)
        return USAGE


def _answered(store: Store, given: Given) -> int:
    found = store.requests.found(given.request)
    if len(found) != 1:
        print(f"agent {_verb(given)}: {_not_found(store, given.request, len(found))}", file=sys.stderr)
        return USAGE
    asked, by = found[0], f"terminal:{getpass.getuser()}"
    if problem := _unfit(asked, given, by):
        print(f"agent {_verb(given)}: {problem}", file=sys.stderr)
        return USAGE
    grant_s = given.minutes * 60 if given.for_run else 0
    said = Answer(asked.id, asked.run, asked.digest, given.answer, by, round(time.time(), 3), given.value, grant_s)
    body, signature = sign(said, own_key())
    lost = store.requests.decide(said, body, signature, "terminal")
    if lost is not None:
        print(f"agent {_verb(given)}: {asked.id}: {lost.why}", file=sys.stderr)
        return 1
    print(f"{asked.id}: {given.answer}")
    if given.for_run:
        print(f"and for {given.minutes} minutes in this run: {'; '.join(asked.told['scope'])}")
    return 0


def _unfit(asked: Asked, given: Given, by: str) -> str:
    """Why this answer cannot be given; empty when it can."""
    if asked.assigned and asked.assigned != by:
        return f"{asked.id} was handed to {asked.assigned}"
    if given.value and asked.told["value"] is None:
        return "there is no text in this that could be changed"
    if given.for_run and asked.told["scope"] is None:
        return "this can be approved only by itself, not for the rest of the run"
    if given.for_run and not 1 <= given.minutes <= LONGEST_GRANT_S // 60:
        return f"--minutes takes 1 to {LONGEST_GRANT_S // 60}, got `{given.minutes}`"
    return ""


def _not_found(store: Store, request: str, count: int) -> str:
    if count:
        return f"`{request}` could be {count} requests; write more of the id"
    decided = store.requests.decided(request)
    if decided is not None:
        return f"{decided.by} has decided {request} already: {decided.answer}"
    return f"no request waits by the id `{request}`; `agent pending` lists them"


def _verb(given: Given) -> str:
    return "approve" if given.answer == "approved" else "deny"
