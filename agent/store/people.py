"""Operators: who they are, what they may, how they come in. Passwords only as scrypt, tokens only as their SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.store.engine import writing
from agent.store.tables import links, operators, sessions, used

__all__ = ["ROLES", "Operator", "People", "PersonRefused", "Role", "Session", "may"]

Role = Literal["viewer", "approver", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the one who may least: look; answer questions, stop and drive runs; answer what was handed to somebody else."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_SHORTEST = 10
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024, "dklen": 32}
SESSION_S = 12 * 3600.0
LINK_S = 15 * 60.0
_FOR_GOOD = 253_402_300_799.0
"""The last second of the year 9999."""


class PersonRefused(ValueError):
    """A name, a role or a password that cannot be taken. One line."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may come in."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is in."""

    operator: Operator
    csrf: str
    token: str
    """SHA-256 of what their cookie holds."""


def may(role: Role, least: Role) -> bool:
    """Whether a role is at least `least`."""
    return ROLES.index(role) >= ROLES.index(least)


class People:
    """The tables of operators, sessions and one-time links, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, name: str, role: str, password: str = "") -> Operator:
        """Add an operator, or change role and password of one. Raises `PersonRefused`."""
        if not _NAME.fullmatch(name):
            raise PersonRefused("a name has letters, digits and . _ @ + - only, 64 at most")
        if role not in ROLES:
            raise PersonRefused(f"a role is one of {', '.join(ROLES)}, got `{role}`")
        if password and len(password) < _SHORTEST:
            raise PersonRefused(f"a password has {_SHORTEST} characters or more")
        told = {"role": role, "disabled_at": None} | ({"password": _hashed(password)} if password else {})
        with writing(self._engine) as connection:
            if not connection.execute(update(operators).where(operators.c.name == name).values(**told)).rowcount:
                connection.execute(insert(operators).values(name=name, made_at=time.time(), **told))
            connection.execute(delete(sessions).where(sessions.c.operator == name))
        return Operator(name, role)

    def disable(self, name: str) -> bool:
        """Nobody comes in by this name any more, and whoever is in is out."""
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.operator == name))
            wanted = update(operators).where(operators.c.name == name, operators.c.disabled_at.is_(None))
            return bool(connection.execute(wanted.values(disabled_at=time.time())).rowcount)

    def get(self, name: str) -> Operator | None:
        """Who goes by this name and is not disabled."""
        wanted = select(operators.c.role).where(operators.c.name == name, operators.c.disabled_at.is_(None))
        with self._engine.connect() as connection:
            role = connection.execute(wanted).scalar()
        return Operator(name, role) if role is not None else None

    def listed(self) -> list[Operator]:
        with self._engine.connect() as connection:
            wanted = select(operators.c.name, operators.c.role).where(operators.c.disabled_at.is_(None))
            return [Operator(*row) for row in connection.execute(wanted.order_by(operators.c.name)).all()]

    def by_password(self, name: str, password: str) -> Operator | None:
        """The operator, if that is their password. Takes as long for a name that nobody has."""
        wanted = select(operators).where(operators.c.name == name, operators.c.disabled_at.is_(None))
        with self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().first()
        kept = row["password"] if row is not None and row["password"] else _NOBODY
        right = _matches(password, kept)
        return Operator(name, row["role"]) if right and row is not None and row["password"] else None

    # sessions

    def enter(self, operator: Operator) -> tuple[str, Session]:
        """Begin a session: the cookie's text, and what it stands for."""
        cookie, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), time.time()
        told = {"operator": operator.name, "csrf": csrf, "made_at": now, "expires_at": now + SESSION_S}
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at < now))
            connection.execute(insert(sessions).values(token=_digest(cookie), **told))
        return cookie, Session(operator, csrf, _digest(cookie))

    def session(self, cookie: str) -> Session | None:
        """Who comes with this cookie; their role as it is now."""
        wanted = select(sessions).where(sessions.c.token == _digest(cookie), sessions.c.expires_at > time.time())
        with self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().first()
        operator = self.get(row["operator"]) if row is not None else None
        return Session(operator, row["csrf"], row["token"]) if operator is not None and row is not None else None

    def leave(self, session: Session) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(sessions).where(sessions.c.token == session.token))

    # links that open once

    def link(self, operator: Operator) -> str:
        """Make a link's secret part; good once, for fifteen minutes."""
        token, now = secrets.token_urlsafe(32), time.time()
        told = {"operator": operator.name, "role": operator.role, "expires_at": now + LINK_S}
        with writing(self._engine) as connection:
            connection.execute(delete(links).where(links.c.expires_at < now - 86_400))
            connection.execute(insert(links).values(token=_digest(token), **told))
        return token

    def by_link(self, token: str) -> Operator | None:
        """Whoever it was made for, the first time."""
        now = time.time()
        good = (links.c.token == _digest(token)) & links.c.used_at.is_(None) & (links.c.expires_at > now)
        with writing(self._engine) as connection:
            if not connection.execute(update(links).where(good).values(used_at=now)).rowcount:
                return None
            name = connection.execute(select(links.c.operator).where(links.c.token == _digest(token))).scalar()
        return self.get(str(name))

    # questions that go out, answers that come in

    def claimed(self, name: str, lease_s: float) -> bool:
        """Whether this is ours to do now: nobody else has begun it within the lease, and it is not done."""
        now = time.time()
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(used).values(nonce=name, at=now))
        except IntegrityError:
            left = (used.c.nonce == name) & (used.c.at < now - lease_s)
            with writing(self._engine) as connection:
                return bool(connection.execute(update(used).where(left).values(at=now)).rowcount)
        return True

    def taken(self, names: Sequence[str], lease_s: float) -> set[str]:
        """Those of them that are done, or that somebody has begun within the lease."""
        wanted = select(used.c.nonce).where(used.c.nonce.in_(names), used.c.at >= time.time() - lease_s)
        with self._engine.connect() as connection:
            return set(connection.execute(wanted).scalars())

    def finished(self, name: str) -> None:
        """What was claimed is done: nobody does it again."""
        with writing(self._engine) as connection:
            connection.execute(update(used).where(used.c.nonce == name).values(at=_FOR_GOOD))

    def first_use(self, nonce: str) -> bool:
        """Whether this nonce was never used; it is from now on."""
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(used).values(nonce=nonce, at=time.time()))
        except IntegrityError:
            return False
        return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT).hex()}"


def _matches(password: str, kept: str) -> bool:
    _, salt, wanted = kept.split("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_SCRYPT)
    return hmac.compare_digest(found, bytes.fromhex(wanted))


_NOBODY = "scrypt$" + "00" * 16 + "$" + "00" * 32
