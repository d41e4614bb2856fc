"""Two proofs over stored bytes: a hash chain, record to record, and an RFC 6962 Merkle tree over the whole.

The chain finds an edit, a gap, a swap or an insertion. It cannot find that somebody who owns the file wrote all of it
anew, or cut off its end: for that the Merkle root is signed by somebody else (the broker) at checkpoints.
Both are computed over the bytes as they are stored, never over JSON written a second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from policies.checkpoint import checkpoint_bytes as signed_bytes

__all__ = ["GENESIS_PREV", "Merkle", "checkpoint_bytes", "included", "leaf_hash", "record_hash"]

GENESIS_PREV = bytes(32)
"""What stands for the predecessor of the first record."""

