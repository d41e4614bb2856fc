"""The key that makes a decision count, and the list of keys that count.

The key lies in the configuration of whoever answers: `$AGENT_CONFIG` (or `$XDG_CONFIG_HOME/deskhand`,
`~/.config/deskhand`), in `approver.key`, readable by its owner alone. A run never reads it: its broker only checks
signatures, against `/etc/deskhand/approvers` where that file is there, else against `approvers` in the same folder.

What it does not protect against: a program of the same user that reads the file. Where that matters, the console runs
under another user or on another machine, and `/etc/deskhand/approvers` names its key.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from agent.store.where import KeyUnusable
from policies.approval import Answer, signed_bytes

__all__ = ["config_home", "own_key", "public_of", "sign", "trust", "trusted"]

_LINE = re.compile(r"([0-9a-f]{64})(?:\s+(\S.*))?")
SYSTEM = Path("/etc/deskhand/approvers")


def config_home() -> Path:
    """Where the key and the list of this user lie."""
    given = os.environ.get("AGENT_CONFIG", "").strip()
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")) / "deskhand"


def own_key() -> Ed25519PrivateKey:
    """This user's key; made, and put on this user's list, when there is none. Raises `KeyUnusable`."""
    place = config_home() / "approver.key"
    try:
        raw = place.read_bytes() if place.exists() else _made(place)
        if place.stat().st_mode & 0o077:
            raise KeyUnusable(f"`{place}` can be read by others; try: chmod 600 {place}")
        key = Ed25519PrivateKey.from_private_bytes(raw)
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"`{place}` cannot be used: {getattr(error, 'strerror', '') or error}") from None
    return key


def public_of(key: Ed25519PrivateKey) -> str:
    """The public half, hexadecimal."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def trusted() -> dict[str, str]:
    """Public keys that count, with the name each goes by. Empty where there is no list. Raises `KeyUnusable`."""
    place = SYSTEM if SYSTEM.exists() else config_home() / "approvers"
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnusable(f"`{place}` cannot be read: {type(error).__name__}") from None
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        read = _LINE.fullmatch(line.strip())
        if read is None:
            raise KeyUnusable(f"`{place}` line {number}: expected a key of 64 hexadecimal digits and a name")
        found[read.group(1)] = read.group(2) or ""
    return found


def trust(public: str, name: str) -> None:
    """Put a key on this user's list. Raises `KeyUnusable`."""
    if public in trusted():
        return
    place = config_home() / "approvers"
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with place.open("a", encoding="utf-8") as out:
            out.write(f"{public} {name}\n")
        place.chmod(0o600)
    except OSError as error:
        raise KeyUnusable(f"`{place}` cannot be written: {(error.strerror or 'error').lower()}") from None


def _made(place: Path) -> bytes:
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = place.with_name(f".approver.key.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_bytes(raw)
    try:
        place.hardlink_to(aside)  # the first of two that make one wins
    except FileExistsError:
        raw = place.read_bytes()
    finally:
        aside.unlink()
    trust(public_of(Ed25519PrivateKey.from_private_bytes(raw)), os.uname().nodename)
    return raw


def sign(answer: Answer, key: Ed25519PrivateKey) -> tuple[str, str]:
    """Body and signature (hexadecimal) of an answer."""
    body = answer.to_json()
    return body, key.sign(signed_bytes(body)).hex()
