"""The small commands: check a task, a policy or a checkpoint, verify a trail, explain a decision. Each prints and
returns an exit code; what a user can get wrong is one line on standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.outcome import USAGE

__all__ = ["check_model", "check_policy", "check_task", "explain_step", "test_policy", "verify_trail"]


def check_task(file: Path, sets: Mapping[str, str]) -> int:
    """Read a task file and bind its inputs; secrets need not be there."""
    from agent.task import TaskError, load_task

    try:
        task = load_task(file, sets)
    except TaskError as error:
        return _refused("\n".join(error.lines))
    inputs = ", ".join(task.file.inputs) or "none"
    secrets = ", ".join(task.file.secrets) or "none"
    size = f"{len(task.file.steps)} steps, {len(task.file.success)} checks"
    print(f"{file}: ok: {size}; inputs: {inputs}; secrets: {secrets}")
    return 0


def verify_trail(name: str, root: Path, public_key: str = "") -> int:
    """Check a run's trail with the independent verifier."""
    from agent.audit.verify import main as verify
    from agent.run_folder import RunNotFound, find_run

    try:
        folder = find_run(root, name)
    except RunNotFound as problem:
        return _refused(f"agent audit verify: {problem}")
    return verify([str(folder.path), *(["--public-key", public_key] if public_key else [])])


def check_policy(names: list[str]) -> int:
    """Load policies as a run would, and warn of rules that can never decide anything."""
    from policies.decide import PolicySet
    from policies.rule import PolicyUnusable

    try:
        policies = PolicySet.load(names)
    except PolicyUnusable as problem:
        return _refused(f"agent policy check: {problem}")
    warnings = policies.check()
    for warning in warnings:
        print(f"warning: {warning}")
    print(f"ok: {len(policies.rules)} rules, {len(warnings)} warnings, digest {policies.digest[:16]}")
    return 0


def test_policy(name: str, table: Path | None) -> int:
    """Run a table of requests; a preset brings its own."""
    from policies.rule import PolicyUnusable
    from policies.table import failures, load_table

    place = table or Path(__file__).parent.parent / "policies" / "presets" / f"{name}.tests.yaml"
    try:
        rows = load_table(place)
        if table is not None:
            rows = rows.model_copy(update={"policies": (name,)})
        failed = failures(rows)
    except (PolicyUnusable, ValueError, OSError) as problem:
        return _refused(f"agent policy test: {' '.join(str(problem).split())}")
    for line in failed:
        print(line)
    print(f"{len(rows.rows) - len(failed)} of {len(rows.rows)} rows as expected")
    return 1 if failed else 0


def explain_step(name: str, number: int, root: Path) -> int:
    """Decide a step's act, and what pages sent in it, again from the trail; say why and what would have changed it."""
    from agent.run_folder import RunNotFound, find_run
    from policies.decide import PolicySet
    from policies.explain import explain
    from policies.narrow import Narrow
    from policies.request import request_from
    from policies.rule import PolicyUnusable

    try:
        folder = find_run(root, name)
        told = _decisions(folder.journal)
        requests = told["sends"].get(number - 1, [])
        if number - 1 not in told["steps"] and not requests:
            steps = ", ".join(str(step + 1) for step in sorted({*told["steps"], *told["sends"]})) or "none"
            return _refused(f"agent policy explain: step {number} decided nothing; steps with a decision: {steps}")
        policies = PolicySet.load(told["policies"], Narrow.model_validate_json(told["narrow"]))
        plain = told["steps"].get(number - 1)
        request = None if plain is None else request_from(plain)
        sent = [(shown, facts.get("uncovered", ""), request_from(facts)) for shown, facts in requests]
    except (RunNotFound, PolicyUnusable, ValueError, KeyError, OSError) as problem:
        return _refused(f"agent policy explain: {problem}")
    if policies.digest != told["digest"]:
        print("note: the rules have changed since this run; this is what they say today", file=sys.stderr)
    if request is not None:
        kind = request.context.get("consequence")
        print(f"step {number}: {request.action} on {_thing(request.widget)}, taken as {kind}")
        for line in explain(policies, policies.decide(request), request):
            print(f"  {line}")
    for shown, uncovered, held in sent:
        print(f"at the wire: {shown}, taken as {held.context.get('consequence')}")
        print(f"  not covered by the act before it: {uncovered}" if uncovered else "  covered by the act before it")
        for line in explain(policies, policies.decide(held), held):
            print(f"  {line}")
    return 0


def check_model(name: str) -> int:
    """Look a checkpoint over without loading weights."""
    from model.base import ModelError
    from model.load import checkpoint_folder
    from model.qwen3vl.checks import open_folder

    try:
        folder = open_folder(checkpoint_folder(name))
    except ModelError as problem:
        return _refused(f"agent model check: {problem}")
    megabytes = sum(file.stat().st_size for file in folder.weights) / 1e6
    print(f"{folder.path}: ok: {folder.config['model_type']}, {len(folder.weights)} weight files, {megabytes:.1f} MB")
    return 0


def _thing(widget: Mapping[str, Any]) -> str:
    return f'{widget.get("role") or "something"} "{widget.get("name", "")}"'


def _decisions(journal: Path) -> dict[str, Any]:
    """From a trail: the policies' names, the narrowing, the digest, and each step's last act and held requests."""
    from agent.audit.names import NAMES

    told: dict[str, Any] = {"steps": {}, "sends": {}, "policies": [], "narrow": "{}", "digest": ""}
    for line in journal.read_bytes().splitlines():
        for flat in _attributes(line):
            if NAMES["narrow"] in flat:
                told["narrow"] = flat[NAMES["narrow"]]
                told["policies"] = str(flat[NAMES["policy"]]).split(", ")
            if NAMES["facts"] in flat and NAMES["method"] in flat:
                shown = f"{flat[NAMES['method']]} {flat[NAMES['host']]}{flat[NAMES['path']]}"
                step = int(flat.get(NAMES["step"], -1))
                told["sends"].setdefault(step, []).append((shown, json.loads(flat[NAMES["facts"]])))
            elif NAMES["facts"] in flat:
                told["steps"][int(flat[NAMES["step"]])] = json.loads(flat[NAMES["facts"]])
            told["digest"] = flat.get(NAMES["policy_digest"], told["digest"])
    return told


def _attributes(line: bytes) -> list[dict[str, Any]]:
    """The attributes of every span and event in one record of a journal; none for a record that is torn."""
    try:
        record = json.loads(line)["rec"]
    except (ValueError, KeyError):
        return []
    spans = [s for r in record.get("resourceSpans", []) for one in r["scopeSpans"] for s in one["spans"]]
    logs = [s for r in record.get("resourceLogs", []) for one in r["scopeLogs"] for s in one["logRecords"]]
    return [
        {pair["key"]: next(iter(pair["value"].values()), "") for pair in one.get("attributes", [])}
        for one in (*spans, *logs)
    ]


def _refused(line: str) -> int:
    print(line, file=sys.stderr)
    return USAGE
