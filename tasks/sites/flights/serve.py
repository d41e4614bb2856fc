"""Start the demo airline: `python tasks/sites/flights/serve.py --port 0 --db DB --log LOG`.

It prints one line, `{"url": "http://127.0.0.1:PORT/"}`, when it is ready.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from tasks.sites.common.serving import serve
from tasks.sites.flights.app import build
from tasks.sites.flights.settings import LAYOUTS, MISCHIEF, THEMES, Settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the site the arguments describe until it is told to stop."""
    told = _parser().parse_args(arguments)
    settings = Settings(
        seed=told.seed,
        db=told.db,
        log=told.log,
        today=told.today,
        layout=told.layout,
        theme=told.theme,
        mischief=told.mischief,
    )
    serve(build(settings), told.port, with_parent=told.with_parent)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Serve the demo airline on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 asks the system for a free one")
    parser.add_argument("--seed", type=int, default=7, help="decides flights, fares and seats")
    parser.add_argument("--layout", choices=LAYOUTS, default=LAYOUTS[0])
    parser.add_argument("--theme", choices=THEMES, default=THEMES[0])
    parser.add_argument("--mischief", type=_mischief, default=frozenset(), metavar="A,B")
    parser.add_argument("--db", type=Path, required=True, help="SQLite file, made if missing")
    parser.add_argument("--log", type=Path, required=True, help="JSON lines are added to it")
    parser.add_argument("--today", type=date.fromisoformat, default=date(2026, 11, 20))
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    return parser


def _mischief(text: str) -> frozenset[str]:
    """Comma-separated names, none of them unknown."""
    names = frozenset(filter(None, text.split(",")))
    if unknown := names - set(MISCHIEF):
        known = ", ".join(MISCHIEF)
        raise argparse.ArgumentTypeError(f"unknown `{min(unknown)}`, expected some of {known}")
    return names


if __name__ == "__main__":
    main()
