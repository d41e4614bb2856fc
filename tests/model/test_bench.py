"""The benchmark's machinery on networks small enough for a test; no time is asserted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from model import bench, chart, shapes
from model.base import ModelError
from model.family import Shape
from model.qwen3vl.engine import Engine, Free

SMALL = Shape(2, 64, 4, 2, 96, 2, 64, 48, head=16, tied=True, vocabulary=4528, levels=1, places=64)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    opened = shapes.random_checkpoint(SMALL, "cpu", torch.float32)
    return bench.measured(opened, (1, 2), (192, 128), 192 * 128, 1)


def test_all_three_say_the_same_in_turns(found: dict[str, Any]) -> None:
    assert list(found["steps"]) == [1, 2] and all(row["same"] for row in found["steps"].values())
    assert set(found["ratio_at_step"]) == {"1", "2"} and found["step_20_over_5"] is None
    assert found["steps"][2]["prompt_tokens"] > found["steps"][1]["prompt_tokens"]
    assert [row["picture_tokens"] for row in found["steps"].values()] == [24, 24]
    assert "1.0" not in bench.table(found).splitlines()[0] and "yes" in bench.table(found)


def test_a_random_network_has_the_shape_that_was_asked_for() -> None:
    opened = shapes.random_checkpoint(SMALL, "cpu", torch.float32)
    assert sum(weight.numel() for weight in opened.network.parameters()) == SMALL.parameters
    many = shapes.random_checkpoint(
        Shape(1, 64, 4, 2, 32, 2, 64, 48, head=16, vocabulary=4528, levels=1, places=64, experts=4, active=2),
        "cpu", torch.float32)  # fmt: skip
    assert type(many.network).__name__ == "Qwen3VLMoeForConditionalGeneration"


def test_shares_of_the_limits_are_arithmetic(found: dict[str, Any]) -> None:
    row, start = found["steps"][2], found["steps"][1]
    read = 2 * (SMALL.text_parameters + SMALL.cache_values * row["prompt_tokens"])
    rate = read / row["free"]["per_token_s"] / 1e9
    share = shapes.against_limits(found, SMALL, bandwidth_gb_s=2 * rate, matrix_tflops=1.0)
    assert share["decode_share"] == pytest.approx(0.5, abs=0.001)
    # Counted by torch itself, over transformers' own forward.
    from test_engine import inputs
    from torch.utils.flop_counter import FlopCounterMode

    opened = shapes.random_checkpoint(SMALL, "cpu", torch.float32)
    encoded = bench._Talk(opened, (192, 128), 192 * 128).turn(1)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        opened.network.model(**inputs(encoded))
    counted = shapes._products(SMALL, start["prompt_tokens"], start["picture_tokens"])
    assert counted == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_limits_are_measured_where_they_are_asked_for() -> None:
    assert shapes._bandwidth("cpu", 2**16) > 0
    assert shapes._matrix_rate("cpu", 64) > 0


@pytest.mark.parametrize(
    ("names", "problem"), [(["9B"], "no size `9B`, expected some of 2B"), ([], "expected some of")]
)
def test_sizes_that_there_are_not(names: list[str], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        shapes.compare_shapes(names)


def test_without_a_gpu_it_is_one_line(capsys: Any) -> None:
    from agent.bench import model

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert model("pilot", False, "2B,4B,8B") == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "torch finds no CUDA" in said.err and not said.out


def test_sizes_are_measured_from_the_command_to_the_chart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    """All that a GPU runs but for the GPU, on a size of which there is none."""
    from agent.bench import model

    pytest.importorskip("matplotlib")
    monkeypatch.setitem(shapes.MEMBERS, "small", SMALL)
    monkeypatch.setattr(shapes.compare_shapes, "__defaults__", ((1, 2), 1, "auto", (192, 128)))
    assert model("pilot", True, "small, small", 1, "cpu") == 0
    said = json.loads(capsys.readouterr().out)
    row = said["shapes"]["small"]
    assert said["bandwidth_gb_s"] > 0 and said["matrix_tflops"] > 0 and row["dtype"] == "float32"
    assert set(row["ratio_at_step"]) == {"1", "2"} and row["decode_share"] > 0 and row["prefill_share"] > 0
    assert "decoding at" in shapes.table(said) and said["device"].startswith("cpu")
    (tmp_path / "found.json").write_text(json.dumps(said))
    assert chart.main([str(tmp_path / "found.json"), str(tmp_path / "out.png")]) == 0
    assert (tmp_path / "out-small.png").is_file()


def test_the_command_of_a_bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setitem(shapes.MEMBERS, "small", SMALL)
    asked = ["shapes", "small", "--device", "cpu", "--steps", "1,2", "--screen", "192x128", "--repeat", "1"]
    monkeypatch.setattr("sys.argv", [*asked, "--out", str(tmp_path)])
    assert shapes._main() == 0 and "small, float32 on cpu" in capsys.readouterr().out
    assert (tmp_path / "shapes.json").is_file() and (tmp_path / "model-gpu-small.png").is_file()
    monkeypatch.setattr("sys.argv", ["shapes", "9B", "--device", "cpu"])
    assert shapes._main() == 2 and "no size `9B`" in capsys.readouterr().err


def test_a_step_is_timed_with_its_graph_recorded_and_its_picture_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a GPU's step is measured after, played by an engine that says it records."""
    opened = shapes.random_checkpoint(SMALL, "cpu", torch.float32)
    engine = Engine(opened.network, static=True)
    monkeypatch.setattr(Engine, "records", True)
    talk = bench._Talk(opened, (192, 128), 192 * 128)
    talk.turn(1)
    encoded = talk.turn(2)
    seen: list[str] = []
    real = Engine._encode
    monkeypatch.setattr(Engine, "_encode", lambda self, picture: (seen.append(picture.key), real(self, picture))[1])
    timed = bench._engine_once(engine, encoded, Free(frozenset(), 3), talk.before)
    first, second = (picture.key for picture in encoded.pictures)
    assert seen == [first, second, second] and len(timed.said) == 3
    assert timed.said == bench._engine_once(Engine(opened.network), encoded, Free(frozenset(), 3), talk.before).said


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_the_graph_says_what_generate_says() -> None:
    opened = shapes.random_checkpoint(SMALL, "cuda", torch.float32)
    said = bench.measured(opened, (1, 3), (192, 128), 192 * 128, 1)
    assert all(row["same"] for row in said["steps"].values())


def test_a_chart_is_drawn_of_what_was_measured(found: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "found.json").write_text(json.dumps(found))
    assert chart.main([str(tmp_path / "found.json"), str(tmp_path / "out.png")]) == 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "shapes.json").write_text(json.dumps({"shapes": {"2B": found}}))
    assert chart.main([str(tmp_path / "shapes.json"), str(tmp_path / "out.png")]) == 0
    assert (tmp_path / "out-2B.png").is_file()
    (tmp_path / "bad.json").write_text("[]")
    assert chart.main([str(tmp_path / "bad.json"), "x.png"]) == 2
    assert "expected what `agent bench model --json` prints" in capsys.readouterr().err
