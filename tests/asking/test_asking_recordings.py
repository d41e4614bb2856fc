"""Recordings: what is sampled, and that a prompt with one is what transformers makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from asked_files import make_film

from model.asking import recordings
from model.asking.media import Unusable, open_media
from model.asking.recordings import times
from model.qwen3vl.engine import Engine
from model.qwen3vl.processor import moment_text, patchify_moment


def test_two_samples_a_second_in_pairs_with_the_time_between(film: Path) -> None:
    recording = open_media([film]).recording
    assert recording is not None
    assert recording.size == (96, 64) and recording.seconds == pytest.approx(3.0, abs=0.01)
    assert [round(moment.seconds, 2) for moment in recording.moments] == [0.25, 1.25, 2.25]
    reds = [[image.getpixel((40, 30))[0] for image in moment.frames] for moment in recording.moments]
    assert np.abs(np.array(reds) - [[0, 0], [20, 20], [40, 40]]).max() <= 12  # as the codec keeps colours
    greens = [image.getpixel((40, 30))[1] > 100 for moment in recording.moments for image in moment.frames]
    assert greens == [False, False, False, True, True, True]


@pytest.mark.parametrize(
    ("seconds", "count", "step"), [(0.0, 4, None), (1.0, 4, 0.25), (3.0, 6, 0.5), (60.0, 120, 0.5), (3840.0, 768, 5.0)]
)
def test_how_many_samples(seconds: float, count: int, step: float | None) -> None:
    taken = times(seconds)
    assert len(taken) == count and taken == sorted(taken) and taken[0] == 0
    assert step is None or taken[1] == pytest.approx(step)
    assert taken[-1] < max(seconds, 1e-3)


def test_a_long_gap_is_sought_and_a_short_one_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_film(tmp_path / "long.mp4", seconds=12.0)
    plain = open_media([path]).recording
    monkeypatch.setattr(recordings, "_FAR_S", 0.2)
    sought = open_media([path]).recording
    assert plain is not None and sought is not None and len(plain.moments) == 12
    assert [moment.seconds for moment in sought.moments] == [moment.seconds for moment in plain.moments]
    for one, other in zip(plain.moments, sought.moments, strict=True):
        for a, b in zip(one.frames, other.frames, strict=True):
            assert np.abs(np.asarray(a, dtype=int) - np.asarray(b, dtype=int)).max() <= 2


@pytest.mark.parametrize("kind", ["film.mkv", "film.avi", "film.webm"])
def test_other_containers(tmp_path: Path, kind: str) -> None:
    codec = "libvpx" if kind.endswith("webm") else "mpeg4"
    recording = open_media([make_film(tmp_path / kind, 2.0, codec=codec)]).recording
    assert recording is not None and recording.seconds == pytest.approx(2.0, abs=0.2) and len(recording.moments) == 2


def test_a_large_recording_is_kept_small(tmp_path: Path) -> None:
    recording = open_media([make_film(tmp_path / "film.mp4", 2.0, size=(1920, 1080))]).recording
    assert recording is not None and recording.size == (1920, 1080)
    width, height = recording.moments[0].frames[0].size
    assert width * height <= 768 * 1024 and width / height == pytest.approx(1920 / 1080, rel=0.01)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.mp4", None),
        ("head.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 40),
        ("noise.mkv", b"\x1a\x45\xdf\xa3" + b"\x55" * 400),
        ("noise.avi", b"RIFF\0\0\0\0AVI " + b"\x11" * 400),
    ],
)
def test_a_broken_recording_is_one_line(tmp_path: Path, film: Path, name: str, data: bytes | None) -> None:
    path = tmp_path / name
    path.write_bytes(film.read_bytes()[:300] if data is None else data)
    with pytest.raises(Unusable) as caught:
        open_media([path])
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n"]
)
def test_a_list_of_other_files_is_no_recording(tmp_path: Path, text: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_text(text)
    with pytest.raises(Unusable, match="neither a picture"):
        open_media([path])


def test_sound_alone_is_no_recording(tmp_path: Path) -> None:
    import av

    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as opened:
        stream = opened.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        opened.mux(stream.encode(frame))
    with pytest.raises(Unusable, match="no pictures"):
        open_media([path])


def test_a_prompt_with_a_recording_is_that_of_transformers(tiny: Any, film: Path) -> None:
    """Ids, positions and logits against transformers' own modules, given the same frames as a video."""
    recording = open_media([film]).recording
    assert recording is not None
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": moment_text(moment.seconds), "own": True} for moment in recording.moments
    ]
    parts.append({"type": "text", "text": "When? <|video_pad|>"})
    planned = [
        tiny.processor.moment(one.digest, lambda one=one: one.frames, one.frames[0].size, 8192, 1024)
        for one in recording.moments
    ]
    encoded = tiny.processor.encode([{"role": "user", "content": parts}], planned)
    text = tiny.tokenizer.decode(encoded.ids)
    frame = "<|vision_start|>" + "<|video_pad|>" * encoded.spans[0][1] + "<|vision_end|>"
    stamps = "".join(f"<{moment.seconds:.1f} seconds>{frame}" for moment in recording.moments)
    assert stamps in text and text.count("< |video_pad|>") == 1  # what a person writes is no control token

    network = tiny.network
    rows, columns = planned[0].grid
    pixels = torch.from_numpy(np.concatenate([one.patches() for one in planned]))
    grid = torch.tensor([[len(planned), rows, columns]])
    ids = torch.from_numpy(encoded.ids)[None]
    types = torch.from_numpy(encoded.token_types)[None] * 2  # 2 is video
    positions, _ = network.model.get_rope_index(ids, types, video_grid_thw=grid)
    assert np.array_equal(positions[:, 0].numpy(), encoded.positions)
    with torch.inference_mode():
        theirs = network(
            input_ids=ids, mm_token_type_ids=types, pixel_values_videos=pixels, video_grid_thw=grid,
            attention_mask=torch.ones_like(ids),
        ).logits[0, -1]  # fmt: skip
    ours = Engine(network).last_logits(encoded)
    difference = float((ours - theirs).abs().max())
    print(f"largest logit difference {difference:.2e}")
    assert difference < 1e-3


def test_both_frames_of_a_moment_count(tiny: Any, film: Path) -> None:
    recording = open_media([film]).recording
    assert recording is not None
    first, second = recording.moments[1].frames
    rules, size = tiny.processor.rules, (64, 96)
    both, same = patchify_moment((first, second), rules, size), patchify_moment((first, first), rules, size)
    assert both.shape == same.shape and not np.array_equal(both, same)
    with pytest.raises(ValueError, match="2 frames"):
        patchify_moment((first,), rules, size)
