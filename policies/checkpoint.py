"""What is signed when a journal is sealed up to a record: run, number of records, Merkle root."""

from __future__ import annotations

import json

__all__ = ["CheckpointRefused", "checkpoint_bytes", "checkpoint_holds"]

_DOMAIN = b"deskhand-checkpoint-v1\n"
"""Prefix of the signed bytes, so that a checkpoint never passes for a permit, nor a permit for a checkpoint."""


class CheckpointRefused(Exception):
    """The broker does not sign this: another run's journal, or one that has become shorter."""


def checkpoint_bytes(run: str, n: int, root: str) -> bytes:
    """The bytes under the signature. `n` is the number of records sealed, `root` their Merkle root in hexadecimal."""
    body = {"n": n, "root": root, "run": run, "v": 1}
    return _DOMAIN + json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def checkpoint_holds(public_key: bytes, run: str, n: int, root: str, signature: bytes) -> bool:
    """Whether `signature` is this broker's over exactly these three."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, checkpoint_bytes(run, n, root))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
