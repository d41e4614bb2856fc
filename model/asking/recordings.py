"""Sampling a screen recording, as the published video processor samples one: two frames a second, spread out evenly
where that would be too many, shown in pairs with the time midway between the two.

The container is named by the file's own first bytes (`media`), so that FFmpeg never guesses one that opens other files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.asking.media import MOST_PIXELS, Moment, Recording, Unusable, digest_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MOST_SAMPLES", "PER_SECOND", "open_recording", "times"]

PER_SECOND = 2.0
MOST_SAMPLES = 768
_LEAST_SAMPLES = 4
_TOKEN_PX = 32 * 32
_ALL_PX = 20480 * _TOKEN_PX
"""Pixels of all samples together, a pair counted once."""
_FAR_S = 5.0
"""A sample further ahead than this is sought; a nearer one is decoded up to."""


def open_recording(path: Path, container: str) -> Recording:
    """Decode a recording and take its samples.

    Args:
        path: the file.
        container: FFmpeg's name of the one reader that may open it.

    Raises:
        Unusable: broken, without pictures, too large, or too short.
    """
    if find_spec("av") is None:
        raise Unusable(f"{path}: recordings need PyAV: pip install 'deskhand[ask]'")
    import av
    import av.error

    try:
        with path.open("rb") as file, av.open(file, format=container, options={"enable_drefs": "0"}) as opened:
            if not opened.streams.video:
                raise Unusable(f"{path}: the recording has no pictures")
            return _sampled(path, opened, opened.streams.video[0])
    except (av.error.FFmpegError, ValueError, EOFError, MemoryError) as error:
        raise Unusable(f"{path}: the recording is broken: {' '.join(str(error).split())[:120]}") from None


def _sampled(path: Path, opened: Any, stream: Any) -> Recording:
    if stream.width * stream.height > MOST_PIXELS:
        raise Unusable(f"{path}: {stream.width}x{stream.height} pixels, at most {MOST_PIXELS // 10**6} million")
    stream.thread_type = "AUTO"
    seconds = _length(path, opened, stream)
    wanted = times(seconds)
    most = _most_pixels(len(wanted))
    taken = list(_taken(opened, stream, wanted, most))
    if not taken:
        raise Unusable(f"{path}: no picture of the recording can be decoded")
    if len(taken) % 2:
        taken.append(taken[-1])
    digest = digest_of(path)
    moments = []
    for first, second in zip(taken[::2], taken[1::2], strict=True):
        at = (first[0] + second[0]) / 2
        key = f"{digest}@{first[0]:.3f},{second[0]:.3f}"
        moments.append(Moment(at, most, (first[1], second[1]), key))
    gaps = [b - a for a, b in pairwise(wanted)]
    rate = 1 / gaps[0] if gaps and gaps[0] > 0 else PER_SECOND
    size, (width, height) = (stream.width, stream.height), taken[0][1].size
    if (width > height) != (size[0] > size[1]):  # it was filmed on its side
        size = size[::-1]
    return Recording(str(path), size, seconds, tuple(moments), rate)


def times(seconds: float) -> list[float]:
    """When samples are taken of a recording of so many seconds, evenly from its begin, 4 to 768 of them."""
    count = min(MOST_SAMPLES, max(_LEAST_SAMPLES, int(seconds * PER_SECOND)))
    step = max(seconds, 1e-3) / count if count in (MOST_SAMPLES, _LEAST_SAMPLES) else 1 / PER_SECOND
    return [n * step for n in range(count)]


def _most_pixels(samples: int) -> int:
    """Of one sample: 128 to 768 tokens, fewer the more there are."""
    return int(max(min(768 * _TOKEN_PX, 2 * _ALL_PX / samples), 128 * _TOKEN_PX))


def _length(path: Path, opened: Any, stream: Any) -> float:
    """Seconds; counted where the file does not say."""
    if stream.duration is not None and stream.time_base is not None and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    if opened.duration:
        return float(opened.duration) / 1_000_000
    last = 0.0
    for packet in opened.demux(stream):
        if packet.pts is not None:
            last = max(last, float(packet.pts * stream.time_base))
    opened.seek(0)
    if last <= 0:
        raise Unusable(f"{path}: the recording does not say how long it is")
    return last


def _taken(opened: Any, stream: Any, wanted: list[float], most: int) -> Iterator[tuple[float, Image]]:
    """(its own time in seconds, picture) of the frame shown at each wanted time."""
    begin = float((stream.start_time or 0) * stream.time_base)
    frames = opened.decode(stream)
    shown = next(frames, None)
    if shown is None:
        return
    following = next(frames, None)
    for time in wanted:
        if following is not None and _at(following, begin) < time - _FAR_S:
            opened.seek(int((time + begin) / stream.time_base), stream=stream)
            frames = opened.decode(stream)
            sought = next(frames, None)
            if sought is None:
                return
            shown, following = sought, next(frames, None)
        while following is not None and _at(following, begin) <= time:
            shown, following = following, next(frames, None)
        yield _at(shown, begin), _picture(shown, most)


def _at(frame: Any, begin: float) -> float:
    return float(frame.time or 0.0) - begin


def _picture(frame: Any, most: int) -> Image:
    """Upright, mode RGB, at most so many pixels."""
    shrink = min(1.0, (most / (frame.width * frame.height)) ** 0.5)
    size = max(2, int(frame.width * shrink)), max(2, int(frame.height * shrink))
    image: Image = frame.to_image(width=size[0], height=size[1])
    turn = 0
    with suppress(AttributeError, ValueError):
        turn = int(frame.rotation)
    return image.rotate(turn, expand=True) if turn % 360 else image
