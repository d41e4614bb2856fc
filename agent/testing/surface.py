"""`surface`: look and act from a test, each act judged, permitted and written down like a model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.session.client import Session, SessionFailed, SessionOver, Wanted
from agent.testing.runs import Settings, task_file

__all__ = ["NotDone", "Refused", "Surface", "opened"]


class NotDone(AssertionError):
    """An act came to nothing: the thing is not there, something else lies over it, the session is over. One line."""


class Refused(NotDone):
    """The policy said no, or wanted a person whom nobody could ask. `rules` say which."""

    def __init__(self, line: str, rules: Sequence[str]) -> None:
        super().__init__(line)
        self.rules = tuple(rules)


def opened(
    settings: Settings,
    task: str | Path | Mapping[str, Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    policy: str | Sequence[str] = (),
    site: Mapping[str, Any] | None = None,
) -> Surface:
    """Open the surface of a task; its plan is not followed. Raises `NotDone`."""
    policies = (policy,) if isinstance(policy, str) else tuple(policy)
    plain = {name: str(one).lower() if isinstance(one, bool) else str(one) for name, one in (inputs or {}).items()}
    wanted = Wanted(
        task_file(settings, task), plain, "deny", policies, site={name: str(one) for name, one in (site or {}).items()},
        runs=settings.folder / "runs", headed=settings.headed, who="test",
    )  # fmt: skip
    session = Session(wanted)
    try:
        session.start()
        return Surface(session, session.look())
    except SessionFailed as problem:
        session.end()
        raise NotDone(str(problem)) from None


class Surface:
    """One open surface. Things are named by role and name, as assistive technology would."""

    def __init__(self, session: Session, seen: Mapping[str, Any]) -> None:
        self._session = session
        self.seen: Mapping[str, Any] = seen
        """The last look: `url`, `title`, `nodes` (each with `id`, `role`, `name`, `x`, `y`...), `notices`."""
        self.ended: Mapping[str, Any] = {}
        """How it ended, once it is closed: `outcome`, `because`, `outputs`."""

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._session.folder

    @property
    def url(self) -> str:
        return str(self.seen["url"])

    @property
    def text(self) -> str:
        """Names and values of everything that is shown, one a line, in reading order."""
        return "\n".join(f"{node['name']} {node.get('value', '')}".strip() for node in self.seen["nodes"])

    def look(self) -> Mapping[str, Any]:
        """Look anew, once the screen is still."""
        try:
            self.seen = self._session.look()
        except SessionFailed as problem:
            raise NotDone(str(problem)) from None
        return self.seen

    def shows(self, role: str, name: str) -> bool:
        return bool(self._named(role, name))

    def find(self, role: str, name: str) -> Mapping[str, Any]:
        """The one thing of this role and name on the last look. Raises `NotDone`."""
        found = self._named(role, name)
        if len(found) != 1:
            others = [f'"{node["name"][:40]}"' for node in self.seen["nodes"] if node["role"] == role]
            said = f"{len(found)} things are" if found else "there is no"
            raise NotDone(f'{said} {role} "{name}"; shown of this role: {", ".join(others[:8]) or "none"}')
        return found[0]

    def click(self, role: str, name: str, **how: Any) -> None:
        """Click on a thing. Raises `Refused`, `NotDone`."""
        self._do({"do": "click", "node": self.find(role, name)["id"], **how})

    def fill(self, role: str, name: str, text: str) -> None:
        """Put a text in a field in place of what is there; an entry of a list is chosen by its words."""
        node = self.find(role, name)
        again = node.get("filled") and role != "combobox"
        self._do({"do": "click", "node": node["id"], "count": 3 if again else 1})
        self._do({"do": "type", "text": text})

    def press(self, *keys: str) -> None:
        """Keys in order, released in reverse, to what has the focus."""
        self._do({"do": "keys", "keys": list(keys)})

    def open(self, url: str) -> None:
        """Go to an address."""
        self._do({"do": "open", "url": url})

    def act(self, do: str, **given: Any) -> Mapping[str, Any]:
        """Any act, as a value and without raising for a refusal: `status`, `why`, `verdict`, `rules`."""
        try:
            came = self._session.act({"do": do, **given})
        except SessionOver as over:
            raise NotDone(str(over)) from None
        except SessionFailed as problem:
            raise NotDone(str(problem)) from None
        self.seen = came.pop("seen")
        return came

    def close(self) -> Mapping[str, Any]:
        """Close it; the task's checks decide how it ended. May be called twice."""
        if not self.ended:
            self.ended = self._session.close()
        return self.ended

    def _named(self, role: str, name: str) -> list[Mapping[str, Any]]:
        wanted = " ".join(name.split()).casefold()
        return [
            node for node in self.seen["nodes"]
            if node["role"] == role and " ".join(node["name"].split()).casefold() == wanted
        ]  # fmt: skip

    def _do(self, act: dict[str, Any]) -> None:
        came = self.act(**act)
        if came["status"] == "refused":
            raise Refused(str(came["why"]), came.get("rules", ()))
        if came["status"] != "done":
            raise NotDone(f"{came.get('act', act['do'])}: {came['status']}: {came['why']}")
