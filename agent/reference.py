"""Writes docs/reference from the code: commands, task file, policies, outcomes, the trail's attributes, forms.

    python -m agent.reference docs/reference [--check]

With `--check` nothing is written; the exit code is 1 when a page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["main", "pages"]

_NOTE = "<!-- written by `make docs`; edit the code instead -->\n\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or check them."""
    folder, check = Path(arguments[0]), "--check" in arguments
    stale = []
    for name, make in pages().items():
        path, text = folder / name, _NOTE + make()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(str(path))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`", file=sys.stderr)
        return 1
    return 0


def pages() -> Mapping[str, Callable[[], str]]:
    """File name to the function that writes its text."""
    return {
        "commands.md": _commands,
        "task-file.md": _task_file,
        "policies.md": _policies,
        "outcomes.md": _outcomes,
        "trail.md": _trail,
        "forms.md": _forms,
    }


def _commands() -> str:
    import typer.main

    from agent.cli import app

    lines = ["# Commands\n"]

    def told(command: Any, words: str) -> None:
        if getattr(command, "commands", None):
            for name in sorted(command.commands):
                told(command.commands[name], f"{words} {name}")
            return
        lines.append(f"## `{words}`\n\n{(command.help or '').strip()}\n")
        rows = [_parameter(one) for one in command.params if one.name != "help"]
        if rows:
            lines.append("| option | meaning | default |\n|---|---|---|\n" + "\n".join(rows) + "\n")

    told(typer.main.get_command(app), "agent")
    return "\n".join(lines)


def _parameter(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in one.opts) if one.param_type_name == "option" else f"`{one.name.upper()}`"
    default = "" if one.default in (None, False, "") or one.required or callable(one.default) else f"`{one.default}`"
    return f"| {names} | {getattr(one, 'help', '') or ''} | {default} |"


def _task_file() -> str:
    from agent.task import task_schema

    schema = task_schema()
    lines = ["# The task file\n", "YAML; unknown keys are errors. `agent task schema` prints the JSON Schema.\n"]
    for name, part in [("task", schema), *sorted(schema.get("$defs", {}).items())]:
        properties = part.get("properties")
        if not properties:
            continue
        lines.append(f"## {name}\n\n{_flat(part.get('description', ''))}\n")
        lines.append("| key | type | default | meaning |\n|---|---|---|---|")
        required = part.get("required", [])
        for key, value in properties.items():
            default = "required" if key in required else f"`{value['default']}`" if "default" in value else ""
            lines.append(f"| `{key}` | {_type(value)} | {default} | {_flat(value.get('description', ''))} |")
        lines.append("")
    return "\n".join(lines)


def _type(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rsplit("/", 1)[-1]
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    for key in ("anyOf", "oneOf"):
        if key in value:
            return " or ".join(dict.fromkeys(_type(one) for one in value[key]))
    kind = str(value.get("type", "any"))
    if kind == "array" and "items" in value:
        return f"list of {_type(value['items'])}"
    if kind == "object" and isinstance(value.get("additionalProperties"), Mapping):
        return f"mapping to {_type(value['additionalProperties'])}"
    return kind


def _policies() -> str:
    from policies.decide import PolicySet

    folder = Path(__file__).parent.parent / "policies" / "presets"
    lines = ["# Policies\n", "Every preset has the house rules below it: they always hold.\n"]
    seen: set[str] = set()
    for name in ("house", *sorted(path.stem for path in folder.glob("*.cedar") if path.stem != "house")):
        rules = PolicySet.load(["observe"] if name == "house" else [name]).rules
        lines.append(f"## {name}\n\n| rule | effect | because |\n|---|---|---|")
        for rule_id, rule in rules.items():
            if rule.source == name and rule_id not in seen:
                seen.add(rule_id)
                effect = f"ask: {rule.escalate}" if rule.escalate else rule.effect
                lines.append(f"| `{rule_id}` | {effect} | {_flat(rule.because or '')} |")
        lines.append("")
    return "\n".join(lines)


def _outcomes() -> str:
    from agent.outcome import EXIT_CODES, USAGE

    meaning = {
        "verified": "every check of the task held",
        "error": "something broke or is missing on this machine",
        "done_unverified": "the model says done; a check does not hold, or there is none",
        "denied": "the policy, or a person, or nobody said no to an act that was needed",
        "infeasible": "the model sees no way to do it here",
        "halted": "a limit, a loop, or a person at the stop button",
        "unknown_effect": "an act may or may not have happened; nothing is repeated",
    }
    rows = [f"| `{name}` | {code} | {meaning[name]} |" for name, code in EXIT_CODES.items()]
    rows.append(f"| usage | {USAGE} | a command, task or policy could not be understood; nothing was started |")
    return "# Outcomes and exit codes\n\n| outcome | exit code | when |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _trail() -> str:
    from agent.audit.names import NAMES

    rows = "\n".join(f"| `{full}` | {short.replace('_', ' ')} |" for short, full in NAMES.items())
    return f"# Attributes of the trail\n\n| attribute | what |\n|---|---|\n{rows}\n"


def _forms() -> str:
    import json

    from model.asking.form import Asked
    from model.asking.forms import NAMES, form

    takes = {
        "each": "pictures and pages, each for itself", "pictures": "pictures and pages together", "two": "two pictures",
        "recording": "one recording", "all": "pictures and pages together, or one recording",
    }  # fmt: skip
    lines = ["# Forms of `agent ask`\n", "What each takes, and the JSON Schema of `answer`. Boxes are in pixels.\n"]
    for name in NAMES:
        one = form(name)
        needs = [f"`--{option}`" for option, must in (("question", one.asks), ("schema", one.fields)) if must == "must"]
        lines.append(f"## {name}\n\n{one.about[0].upper()}{one.about[1:]}.\n")
        lines.append(f"Takes {'; needs '.join([takes[one.takes], *needs])}.\n")
        lines.append(f"```json\n{json.dumps(one.schema(Asked()), indent=1, ensure_ascii=False)}\n```\n")
    return "\n".join(lines)


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
