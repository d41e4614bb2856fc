"""One-time codes, made at the moment of typing. Source: RFC 6238 (TOTP) on RFC 4226 (HOTP), SHA-1, 30 seconds."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct

__all__ = ["code_at", "seed_of"]

PERIOD_S = 30


def seed_of(text: str) -> bytes:
    """The seed from its usual base32 writing, spaces and lower case allowed.

    Raises:
        ValueError: it is none, or shorter than ten bytes. The message does not repeat it.
    """
    plain = text.replace(" ", "").replace("-", "").upper().rstrip("=")
    try:
        seed = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        raise ValueError("a seed for one-time codes is written in base32") from None
    if len(seed) < 10:
        raise ValueError("a seed for one-time codes has at least ten bytes")
    return seed


def code_at(seed: bytes, now_s: float, digits: int = 6) -> str:
    """The code that holds at `now_s`, seconds since the epoch."""
    counter = struct.pack(">Q", int(now_s) // PERIOD_S)
    mac = hmac.new(seed, counter, hashlib.sha1).digest()
    start = mac[-1] & 0x0F
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)
