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


def record_hash(prev: bytes, n: int, record: bytes) -> bytes:
    """SHA-256 of the predecessor's hash (32 bytes), the number (8 bytes, big endian) and the record's stored bytes."""
    return hashlib.sha256(prev + n.to_bytes(8, "big") + record).digest()


def checkpoint_bytes(run: str, n: int, root: bytes) -> bytes:
    """The bytes under a checkpoint's signature, as the broker signs them: records 0 to n-1 of `run` have this root."""
    return signed_bytes(run, n, root.hex())


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962 section 2.1: a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Merkle:
    """The tree of RFC 6962 section 2.1, grown one leaf at a time. Keeps 32 bytes per leaf for proofs.

    INVARIANT (peaks): `_peaks` holds the roots of the perfect subtrees from left to right, their sizes being the
    powers of two of `size` in falling order; `append` and `root` rely on it.
    """

    def __init__(self) -> None:
        self._leaves: list[bytes] = []
        self._peaks: list[bytes] = []

    @property
    def size(self) -> int:
        return len(self._leaves)

    def append(self, data: bytes) -> None:
        """Add one leaf. Amortised two hashes."""
        node = leaf_hash(data)
        size = len(self._leaves)
        self._leaves.append(node)
        while size & 1:
            node = _node_hash(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)

    def root(self) -> bytes:
        """The root over all leaves; SHA-256 of nothing for the empty tree."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = _node_hash(peak, root)
        return root

    def proof(self, index: int) -> list[bytes]:
        """The audit path of leaf `index`, nearest sibling first (RFC 6962 section 2.1.1).

        Raises:
            IndexError: there is no such leaf.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"no leaf {index} in a tree of {self.size}")
        return _path(index, self._leaves)


def _path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*_path(index, leaves[:split]), _subroot(leaves[split:])]
    return [*_path(index - split, leaves[split:]), _subroot(leaves[:split])]


def _subroot(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return _node_hash(_subroot(leaves[:split]), _subroot(leaves[split:]))


def _split(size: int) -> int:
    """The largest power of two smaller than `size`; size is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def included(data: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `data` is leaf `index` of the tree with `size` leaves and this root."""
    if not 0 <= index < size:
        return False
    node, last = leaf_hash(data), size - 1
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = _node_hash(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = _node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and node == root
