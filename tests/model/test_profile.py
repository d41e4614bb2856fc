from __future__ import annotations

from pathlib import Path

import pytest

from model.base import ModelError
from model.profile import Profile, default_profile, read_profile


def test_without_a_file_the_published_defaults_hold(tmp_path: Path) -> None:
    instruct, thinking = read_profile(tmp_path), read_profile(tmp_path, thinking=True)
    assert (instruct.turns, instruct.with_goal, instruct.action_line, instruct.thinking) == (4, True, True, False)
    assert instruct.max_pixels.both == instruct.max_pixels.pixels == 1280 * 32 * 32
    assert (instruct.sampling.temperature, instruct.sampling.top_p, instruct.sampling.top_k) == (0.7, 0.8, 20)
    assert thinking.thinking and thinking.sampling.temperature == 0.6
    assert instruct.sampling.greedy and thinking.sampling.greedy
    assert default_profile(False) == Profile()


def test_a_file_overrides_single_keys(tmp_path: Path) -> None:
    text = (
        "turns: 0\nwith_goal: false\nperception: [both]\nmax_pixels: {both: 65536}\nsampling: {greedy: false, seed: 1}"
    )
    (tmp_path / "profile.yaml").write_text(text)
    profile = read_profile(tmp_path)
    assert profile.turns == 0 and profile.perception == ("both",)
    assert (profile.max_pixels.both, profile.max_pixels.pixels) == (65536, 1280 * 32 * 32)
    assert not profile.sampling.greedy and profile.sampling.top_k == 20


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("turnz: 1", "unknown key `turnz`, did you mean `turns`"),
        ("sampling: {temprature: 1}", "unknown key `sampling.temprature`, did you mean `temperature`"),
        ("max_pixels: {bothe: 4096}", "did you mean `both`"),
        ("turns: -1", "`turns`: "),
        ("perception: [smell]", "`perception.0`: "),
        ("perception: []", "`perception`: "),
        ("deadline_s: 0", "`deadline_s`: "),
        ("protocol: mobile", "`protocol`: "),
        ("- turns", "expected a mapping of keys, got list"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_mistakes_are_one_line_with_the_file(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "profile.yaml").write_text(text)
    with pytest.raises(ModelError) as caught:
        read_profile(tmp_path)
    assert problem in str(caught.value)
    assert str(tmp_path / "profile.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)
