"""A browser's file of visits, as OSWorld's `update_browse_history` puts it in place."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["HISTORY", "history_file"]

HISTORY = ".config/google-chrome/Default/History"
"""Seen from the guest user's home."""
_EPOCH_S = 11_644_473_600
"""From 1601, by which Chromium counts, to 1970."""
_LINK = 0x30000000
"""A transition that begins and ends a chain of redirects."""
_TABLES = """
CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
CREATE TABLE urls(id INTEGER PRIMARY KEY AUTOINCREMENT, url LONGVARCHAR, title LONGVARCHAR,
    visit_count INTEGER DEFAULT 0 NOT NULL, typed_count INTEGER DEFAULT 0 NOT NULL,
    last_visit_time INTEGER NOT NULL, hidden INTEGER DEFAULT 0 NOT NULL);
CREATE INDEX urls_url_index ON urls(url);
CREATE TABLE visits(id INTEGER PRIMARY KEY AUTOINCREMENT, url INTEGER NOT NULL, visit_time INTEGER NOT NULL,
    from_visit INTEGER, transition INTEGER DEFAULT 0 NOT NULL, segment_id INTEGER,
    visit_duration INTEGER DEFAULT 0 NOT NULL, incremented_omnibox_typed_score BOOLEAN DEFAULT FALSE NOT NULL,
    opener_visit INTEGER, originator_cache_guid TEXT, originator_visit_id INTEGER, originator_from_visit INTEGER,
    originator_opener_visit INTEGER, is_known_to_sync BOOLEAN DEFAULT FALSE NOT NULL,
    consider_for_ntp_most_visited BOOLEAN DEFAULT FALSE NOT NULL, external_referrer_url TEXT,
    visited_link_id INTEGER DEFAULT 0 NOT NULL, app_id TEXT);
CREATE INDEX visits_url_index ON visits(url);
CREATE INDEX visits_time_index ON visits(visit_time);
CREATE TABLE keyword_search_terms(keyword_id INTEGER NOT NULL, url_id INTEGER NOT NULL,
    term LONGVARCHAR NOT NULL, normalized_term LONGVARCHAR NOT NULL);
CREATE TABLE segments(id INTEGER PRIMARY KEY, name VARCHAR, url_id INTEGER NON NULL);
CREATE TABLE segment_usage(id INTEGER PRIMARY KEY, segment_id INTEGER NOT NULL, time_slot INTEGER NOT NULL,
    visit_count INTEGER DEFAULT 0 NOT NULL);
INSERT INTO meta VALUES('version', '66'), ('last_compatible_version', '16'), ('mmap_status', '-1');
"""
"""The tables that a browser wants to find; it adds those of later versions itself."""


def history_file(visits: Sequence[Mapping[str, Any]], now: float) -> bytes:
    """An SQLite file.

    Args:
        visits: each with `url`, `title` and `visit_time_from_now_in_seconds`.
        now: seconds since 1970.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "History"
        base = sqlite3.connect(path)
        try:
            base.executescript(_TABLES)
            for one in visits:
                at = round((now - float(one["visit_time_from_now_in_seconds"]) + _EPOCH_S) * 1_000_000)
                told = (str(one["url"]), str(one["title"]), 1, 0, at, 0)
                row = base.execute(
                    "INSERT INTO urls(url, title, visit_count, typed_count, last_visit_time, hidden) "
                    "VALUES(?, ?, ?, ?, ?, ?)",
                    told,
                ).lastrowid
                base.execute(
                    "INSERT INTO visits(url, visit_time, from_visit, transition, segment_id, visit_duration) "
                    "VALUES(?, ?, 0, ?, 0, 0)",
                    (row, at, _LINK),
                )
            base.commit()
        finally:
            base.close()
        return path.read_bytes()
