"""PNG of screens that change little: bands of rows are packed one by one, and a band that is as before stays packed.

Lossless, 8 bits RGB, no filters: screens are flat. Source: PNG specification (W3C), sections 5 and 10; the bands are
full flushes of one deflate stream.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

__all__ = ["Packer"]

_BAND = 40
"""Rows packed together."""
_HEADER = b"\x78\x01"
_END = b"\x03\x00"
"""An empty last block of deflate."""


@dataclass(frozen=True, slots=True)
class _Band:
    raw: bytes
    packed: bytes
    check: int
    """Adler-32 of what was packed."""
    size: int
    """Bytes of it."""


class Packer:
    """Packs pictures of one screen after another."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._bands: list[_Band] = []

    def png(self, bgrx: bytes, width: int, height: int) -> bytes:
        """A picture as PNG.

        Args:
            bgrx: four bytes a pixel, rows from the top; the fourth is not looked at.
            width: pixels.
            height: pixels.
        """
        import numpy as np

        if self._size != (width, height):
            self._size, self._bands = (width, height), []
        pixels = np.frombuffer(bgrx, np.uint8).reshape(height, width, 4)  # (height, width, BGRX)
        packed: list[bytes] = []
        checked = 1
        for place, top in enumerate(range(0, height, _BAND)):
            rows = pixels[top : top + _BAND]
            raw = rows.tobytes()
            if place >= len(self._bands) or self._bands[place].raw != raw:
                flat = np.zeros((rows.shape[0], 1 + 3 * width), np.uint8)  # a filter byte before each row: none
                flat[:, 1:] = rows[:, :, 2::-1].reshape(rows.shape[0], 3 * width)
                data = flat.tobytes()
                self._bands[place : place + 1] = [_Band(raw, _deflated(data), zlib.adler32(data), len(data))]
            band = self._bands[place]
            checked = _joined(checked, band.check, band.size)
            packed.append(band.packed)
        stream = b"".join((_HEADER, *packed, _END, struct.pack(">I", checked)))
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")


def _joined(first: int, second: int, size: int) -> int:
    """Adler-32 of two texts one after the other, from that of each and the size of the second."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + size * ((first & 0xFFFF) - 1)
    return (high % 65521) << 16 | low % 65521


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
