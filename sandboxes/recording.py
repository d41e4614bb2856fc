"""A recording of a private display, as a film that ordinary players show: Motion JPEG in an AVI file.

A picture is taken when something was drawn, at most `RATE` times a second; while nothing is drawn the last one stands.
It shows the screen as it is, secrets too: nothing is blacked out.
"""

from __future__ import annotations

import io
import select
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sandboxes.display import Display, opened_with

__all__ = ["RATE", "Film", "Recording"]

RATE = 5
"""Pictures for each second of film."""
_QUALITY = 70


class Film:
    """An AVI file of JPEG pictures, all of one size, written as they come.

    Source: Microsoft's description of the AVI RIFF format; the old index (`idx1`).
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: int = RATE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("wb")
        self._size, self._rate = size, rate
        self._index: list[tuple[int, int]] = []
        self._largest = 0
        self._head()
        self._begin = self._file.tell()
        self._file.write(b"movi")

    @property
    def pictures(self) -> int:
        return len(self._index)

    def add(self, jpeg: bytes) -> None:
        self._index.append((self._file.tell() - self._begin, len(jpeg)))
        self._largest = max(self._largest, len(jpeg))
        self._file.write(_chunk(b"00dc", jpeg))

    def again(self) -> None:
        """The last picture once more; an empty chunk says so."""
        if self._index:
            self._index.append((self._file.tell() - self._begin, 0))
            self._file.write(_chunk(b"00dc", b""))

    def close(self) -> None:
        """Write the index, and the numbers that only the end tells."""
        end = self._file.tell()
        entries = b"".join(struct.pack("<4sIII", b"00dc", 0x10 if size else 0, at, size) for at, size in self._index)
        self._file.write(_chunk(b"idx1", entries))
        whole = self._file.tell()
        self._file.seek(0)
        self._head(whole, end)
        self._file.close()

    def _head(self, whole: int = 0, end: int = 0) -> None:
        width, height = self._size
        count = len(self._index)
        main = struct.pack(
            "<14I", 1_000_000 // self._rate, self._largest * self._rate, 0, 0x10, count, 0, 1,
            self._largest, width, height, 0, 0, 0, 0,
        )  # fmt: skip
        stream = struct.pack(
            "<4s4sIHHIIIIIIII4H", b"vids", b"MJPG", 0, 0, 0, 0, 1, self._rate, 0, count,
            self._largest, 0xFFFFFFFF, 0, 0, 0, width, height,
        )  # fmt: skip
        picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
        lists = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", picture))
        header = _list(b"hdrl", _chunk(b"avih", main) + lists)
        self._file.write(b"RIFF" + struct.pack("<I", max(0, whole - 8)) + b"AVI " + header)
        size = max(0, end - self._file.tell() - 8)
        self._file.write(b"LIST" + struct.pack("<I", size))


class Recording:
    """Watches one display from a thread of its own until it is closed or the display ends."""

    def __init__(self, display: Display, path: Path) -> None:
        self._film = Film(path, display.size)
        self._display = display
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin. The connections are made here, because they take the cookie from the environment."""
        import mss
        from Xlib.display import Display as Connection

        with opened_with(self._display.authority):
            camera = mss.MSS(display=self._display.name)
            connection = Connection(self._display.name)
        self._thread = threading.Thread(target=self._record, args=(camera, connection), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End, and finish the film. May be called twice."""
        self._ends.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(5.0)

    def _record(self, camera: Any, connection: Any) -> None:
        from Xlib.ext import damage

        try:
            connection.damage_query_version()
            watched = connection.screen().root.damage_create(damage.DamageReportNonEmpty)
            began, drawn = time.monotonic(), True
            while not self._ends.is_set():
                if drawn:
                    self._film.add(_picture(camera))
                else:
                    self._film.again()
                due = began + self._film.pictures / RATE
                drawn = self._drawn(connection, watched, due)
        except Exception:
            return  # the display has ended; the film shows everything until then
        finally:
            for end in (self._film.close, camera.close, connection.close):
                with suppress(Exception):
                    end()

    def _drawn(self, connection: Any, watched: int, until: float) -> bool:
        """Whether anything is drawn before the next picture is due."""
        found = False
        while (left := until - time.monotonic()) > 0 and not self._ends.is_set():
            if connection.pending_events():
                connection.next_event()
                connection.damage_subtract(watched, 0, 0)
                connection.flush()
                found = True
            else:
                select.select([connection.fileno()], [], [], left)
        return found


def _picture(camera: Any) -> bytes:
    from PIL import Image

    shot = camera.grab(camera.monitors[0])
    out = io.BytesIO()
    Image.frombytes("RGB", shot.size, bytes(shot.bgra), "raw", "BGRX").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _list(name: bytes, body: bytes) -> bytes:
    return _chunk(b"LIST", name + body)
