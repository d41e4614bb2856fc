"""Opening the store: SQLite in a file of its owner by default, PostgreSQL where runs and consoles share one.

`AGENT_STORE` names it: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`. Without it the file is
`$XDG_STATE_HOME/deskhand/deskhand.db` (`~/.local/state/...`), readable by its owner alone. Opening brings the tables to
this version; a store of a later version is refused.

What it does not protect against: whoever can write to the store can withhold questions and forge rows. No row counts
as a yes, though: a decision is signed, and the broker of the run checks the signature.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from agent.store.tables import REVISION
from agent.store.where import StoreUnusable

__all__ = ["opened", "writing"]

_BUSY_S = 20.0


def opened(url: str, pool: int = 5) -> Engine:
    """An engine on a store of this version; makes or migrates it where need be.

    Args:
        url: see the module; `postgresql://` and `sqlite:///` only.
        pool: connections to a server at most.

    Raises:
        StoreUnusable: it cannot be reached, or is of a later version.
    """
    engine = _engine(_parsed(url), pool)
    try:
        _migrated(engine)
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        raise StoreUnusable(f"the store {_shown(engine.url)} cannot be opened: {_why(error)}") from None
    return engine


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreUnusable("AGENT_STORE takes sqlite:///PATH or postgresql://USER@HOST/NAME") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite" or not parsed.database:
        raise StoreUnusable(f"AGENT_STORE takes sqlite:///PATH or postgresql://..., got `{parsed.drivername}:...`")
    return parsed


def _engine(url: URL, pool: int) -> Engine:
    if url.drivername != "sqlite":
        try:
            return create_engine(url, pool_size=pool, max_overflow=0, pool_pre_ping=True)
        except ImportError:
            raise StoreUnusable("PostgreSQL needs its driver; try: pip install 'deskhand[postgres]'") from None
    place = Path(str(url.database))
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not place.exists():
            place.touch(mode=0o600)
    except OSError as error:
        raise StoreUnusable(f"the store `{place}` cannot be made: {(error.strerror or 'error').lower()}") from None
    engine = create_engine(url, connect_args={"timeout": _BUSY_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # begun by hand below: a transaction that writes takes its lock at once
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={int(_BUSY_S * 1e3)}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all of it or nothing, and on SQLite one at a time."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def _migrated(engine: Engine) -> None:
    if _version(engine) == REVISION:
        return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7304512)"))  # two that open it at once: one migrates
        before = _version_in(connection)
        if before == REVISION:
            return
        if before and before > REVISION:
            raise StoreUnusable(f"the store is of version {before}, later than this deskhand's {REVISION}; update it")
        _upgrade(connection)


def _version(engine: Engine) -> str:
    with engine.connect() as connection:
        return _version_in(connection)


def _version_in(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _shown(url: URL) -> str:
    return f"`{url.render_as_string(hide_password=True)}`"


def _why(error: Exception) -> str:
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    return said[:200]
