"""Mends known bugs of upstream's evaluators, each by its name in `../bugs.py`; none without being asked to."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_MISSING = object()
"""What a result getter gives in place of a file that is not there."""


def or_after_missing(env: Any) -> None:
    """Under `or`, a file that is missing makes its own metric 0, and the others are still asked."""
    if env.metric_conj != "or" or not isinstance(env.metric, list):
        return

    def getting(getter: Callable[..., Any]) -> Callable[..., Any]:
        def get(*given: Any) -> Any:
            try:
                return getter(*given)
            except FileNotFoundError:
                return _MISSING

        return get

    def judging(metric: Callable[..., Any]) -> Callable[..., Any]:
        def judge(result: Any, *more: Any, **options: Any) -> Any:
            return 0.0 if result is _MISSING else metric(result, *more, **options)

        return judge

    env.result_getter = [getting(one) for one in env.result_getter]
    env.metric = [judging(one) for one in env.metric]


def eval_of_guest_text(env: Any) -> None:
    """`check_gnome_favorite_apps` reads the guest's list as a literal."""
    module: Any = importlib.import_module("desktop_env.evaluators.metrics.basic_os")
    module.eval = ast.literal_eval


def quotes_in_json(env: Any) -> None:
    """`check_direct_json_object` leaves text alone that is JSON already."""

    def better(metric: Callable[..., Any]) -> Callable[..., Any]:
        if getattr(metric, "__name__", "") != "check_direct_json_object":
            return metric

        def judge(result: Any, *more: Any, **options: Any) -> Any:
            if isinstance(result, str):
                with suppress(ValueError):
                    result = json.loads(result)
            return metric(result, *more, **options)

        return judge

    env.metric = _each(better, env.metric)


def missing_is_error(env: Any) -> None:
    """A metric that breaks on a result that is not there says 0."""

    def lenient(metric: Callable[..., Any]) -> Callable[..., Any]:
        def judge(result: Any, *more: Any, **options: Any) -> Any:
            try:
                return metric(result, *more, **options)
            except (TypeError, ValueError, AttributeError, OSError):
                if result is None or (isinstance(result, list) and None in result):
                    return 0.0
                raise

        judge.__name__ = getattr(metric, "__name__", "")
        return judge

    env.metric = _each(lenient, env.metric)


def port_as_number(env: Any) -> None:
    """Getters that start the browser anew put the server's port into an address by adding texts."""
    env.server_port = str(env.server_port)


def folder_never_read(env: Any) -> None:
    """`check_thunderbird_folder` compares the messages too, by the options that it documents."""

    def better(metric: Callable[..., Any]) -> Callable[..., Any]:
        if getattr(metric, "__name__", "") != "check_thunderbird_folder":
            return metric

        def judge(result: Any, reference: Any, **options: Any) -> Any:
            said = metric(result, reference, **options)
            pairs = zip(result, reference, strict=False) if isinstance(reference, list) else [(result, reference)]
            return said and float(all(_messages(one, options) == _messages(other, options) for one, other in pairs))

        judge.__name__ = "check_thunderbird_folder"
        return judge

    env.metric = _each(better, env.metric)


def _messages(path: str, options: dict[str, Any]) -> list[str]:
    """The messages of an mbox file, in an order that says nothing."""
    told = Path(path).read_text()
    found = []
    for message in re.split(r"(?im)^From - .*$", told)[1:]:
        if options.get("remove_deleted", True) and re.search(r"(?m)^X-Mozilla-Status: 000[89]", message):
            continue
        if options.get("ignore_status"):
            message = re.sub(r"(?m)^X-Mozilla-Status2?:.*\n", "", message)
        if options.get("ignore_keys"):
            message = re.sub(r"(?m)^X-Mozilla-Keys:.*\n", "", message)
        found.append(message.strip())
    return sorted(set(found) if options.get("remove_duplicate", True) else found)


MENDINGS: dict[str, Callable[[Any], None]] = {
    "eval-of-guest-text": eval_of_guest_text,
    "folder-never-read": folder_never_read,
    "missing-is-error": missing_is_error,
    "or-after-missing": or_after_missing,
    "port-as-number": port_as_number,
    "quotes-in-json": quotes_in_json,
}
_ORDER = (
    *("eval-of-guest-text", "port-as-number", "quotes-in-json", "folder-never-read"),
    *("missing-is-error", "or-after-missing"),
)


def mend(env: Any, names: frozenset[str]) -> None:
    """Mend what is named, in an order that is always the same."""
    for name in _ORDER:
        if name in names:
            MENDINGS[name](env)


def _each(change: Callable[[Callable[..., Any]], Callable[..., Any]], metric: Any) -> Any:
    return [change(one) for one in metric] if isinstance(metric, list) else change(metric)
