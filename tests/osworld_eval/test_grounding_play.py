"""Whole calls of `agent eval grounding`: what is counted, printed, kept and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from grounding_suites import entry, osworld_g, plain, screenspot, screenspot_pro
from PIL import Image

from actuators.action import Click, Drag, Scroll, TypeText, Zoom
from actuators.geometry import Point, Rect
from model.base import Act, Blocked, Finish, ModelError, Move, Reply
from osworld_eval.cli import main as command
from osworld_eval.grounding import play as played
from osworld_eval.grounding.agents import ModelAgent
from osworld_eval.grounding.scores import size_class, wilson
from osworld_eval.grounding.wording import asked

NODES: dict[str, Any] = {
    "a.png": [{"role": "button", "name": "Settings", "value": "", "states": [], "box": [20, 30, 40, 20]}],
    "b.jpg": [],
}


def run(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert command(["grounding", *map(str, words), "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


class Told:
    """A model that gives the answers it was made with, and remembers what it was asked."""

    name = "told"

    def __init__(self, *moves: Move | Exception) -> None:
        self.moves, self.asked, self.seen = list(moves), [], []  # type: ignore[var-annotated]

    def propose(self, asked: Any, history: Any, seen: Any, perception: Any) -> Reply:
        self.asked.append(asked)
        self.seen.append((seen, perception))
        move = self.moves.pop(0)
        if isinstance(move, Exception):
            raise move
        return Reply(move, "")

    def close(self) -> None:
        self.moves = []


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    def answer(*moves: Move | Exception) -> Told:
        model = Told(*moves)
        monkeypatch.setattr(
            played,
            "load_agent",
            lambda name, perception, template, device: ModelAgent(name, model, perception, template),
        )
        return model

    return answer


@pytest.mark.parametrize("make", [plain, screenspot, screenspot_pro, osworld_g])
def test_the_oracle_is_always_right(make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, make(tmp_path), "--agent", "oracle")
    assert said["hit_rate"] == 1.0 and said["false_refusals"] == 0 and said["errors"] == []
    assert said["refusal_rate"] == (1.0 if said["n_absent"] else None)


def test_what_the_json_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, plain(tmp_path), "--agent", "oracle")
    assert (said["n"], said["n_there"], said["n_absent"]) == (4, 3, 1)
    assert (said["agent"], said["perception"], said["layout"], said["template"]) == (
        "oracle",
        "pixels",
        "plain",
        "auto",
    )
    assert len(said["digest"]) == 64 and said["ci95"] == wilson(3, 3)
    assert said["median_distance_px"] < 1 and said["median_seconds"] is not None
    by = said["by"]
    assert by["data_type"]["icon"] == {"n": 1, "hits": 1, "hit_rate": 1.0, "ci95": wilson(1, 1)}
    assert by["kind"].keys() == {"name", "icon", "position"} and by["source"].keys() == {"shop", "bank"}
    assert by["role"]["button"]["n"] == 2 and list(by["size"]) == ["below 16x16", "below 32x32"]


def test_centre_and_random_are_floors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [entry(instruction=f"thing {n}", bbox=[0, 0, 100, 120]) for n in range(200)]
    plain(tmp_path, [*many, entry(bbox=None)])
    centre = run(capsys, tmp_path, "--agent", "centre")
    assert centre["hit_rate"] == 0.0 and centre["refusal_rate"] == 0.0
    first, again = (run(capsys, tmp_path, "--agent", "random")["hit_rate"] for _ in range(2))
    assert first == again and 0.4 < first < 0.6


def test_what_counts_as_a_hit(tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any) -> None:
    plain(tmp_path, [entry(instruction=f"Open {n}") for n in range(8)])
    inside = Point(20, 30)
    told(
        Act(Click(at=inside)),
        Act(Click(at=Point(60, 30))),
        Act(Drag(start=inside, end=Point(0, 0))),
        Act(Scroll(at=inside, dy=100)),
        Act(Zoom(region=Rect(0, 0, 50, 50))),
        Act(TypeText(text="Open")),
        Finish(),
        Blocked(),
    )
    said = run(capsys, tmp_path, "--out", tmp_path / "rows.jsonl")
    assert said["by"]["kind"] == {} and said["false_refusals"] == 1 and said["no_point"] == 4
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["right"] for row in rows] == [True, False, True, False, False, False, False, False]
    assert [row["answer"] for row in rows] == ["point", "point", "point", "other", "other", "other", "other", "refused"]


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any) -> None:
    plain(tmp_path, [entry(bbox=None, instruction=f"Delete {n}") for n in range(4)])
    told(Blocked(), Act(Click(at=Point(1, 1))), Finish(), Blocked())
    said = run(capsys, tmp_path)
    assert (said["hit_rate"], said["ci95"], said["refusal_rate"], said["n_absent"]) == (None, None, 0.5, 4)


def test_a_model_that_breaks_misses_and_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any
) -> None:
    plain(tmp_path, [entry(), entry(instruction="bell icon")])
    told(ModelError("out of\nmemory"), Act(Click(at=Point(30, 35))))
    said = run(capsys, tmp_path)
    assert said["hit_rate"] == 0.5 and said["n"] == 2
    assert said["errors"] == [{"number": 1, "instruction": "Open the settings", "error": "out of memory"}]


def test_what_the_model_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any) -> None:
    plain(tmp_path, [entry(), entry(instruction="bell icon")], NODES)
    hit = Act(Click(at=Point(30, 35)))
    model = told(hit, hit)
    run(capsys, tmp_path)
    assert [one.goal for one in model.asked] == ["Open the settings", "Click the bell icon"]
    assert model.seen[0][1] == "pixels" and model.seen[0][0].nodes == ()
    model = told(hit, hit)
    run(capsys, tmp_path, "--perception", "both", "--template", "Find: {instruction}")
    assert [one.goal for one in model.asked] == ["Find: Open the settings", "Find: bell icon"]
    assert model.seen[0][1] == "both" and model.seen[0][0].nodes[0].name == "Settings"


def test_a_call_goes_on_where_another_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any) -> None:
    plain(tmp_path)
    hit, rows = Act(Click(at=Point(30, 35))), tmp_path / "kept" / "rows.jsonl"
    model = told(hit, Blocked())
    run(capsys, tmp_path, "--out", rows, "--limit", 2)
    with rows.open("a") as file:
        file.write('{"torn')
    model = told(Blocked(), Blocked())
    said = run(capsys, tmp_path, "--out", rows)
    assert [one.goal for one in model.asked] == ["Open the settings", "Delete the account"]  # items 3 and 4
    assert said["n"] == 4 and said["by"]["kind"]["name"]["hit_rate"] == 1.0 and said["refusal_rate"] == 1.0
    assert len(rows.read_text().splitlines()) == 4
    assert command(["grounding", str(tmp_path), "--out", str(rows), "--agent", "oracle"]) == 2
    assert "holds rows of another agent or another way of asking" in capsys.readouterr().err
    rows.write_text("something else\n")
    assert command(["grounding", str(tmp_path), "--out", str(rows)]) == 2
    assert "line 1 is no row of this benchmark" in capsys.readouterr().err


def test_an_interrupted_call_keeps_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str], told: Any) -> None:
    rows = tmp_path / "rows.jsonl"
    told()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelAgent, "propose", _stops_at_the_second())
        assert command(["grounding", str(plain(tmp_path)), "--out", str(rows)]) == 130
    assert f"stopped; the same command goes on with {rows}" in capsys.readouterr().err
    assert len(rows.read_text().splitlines()) == 1


def _stops_at_the_second() -> Any:
    calls: list[int] = []

    def propose(self: ModelAgent, item: Any, seen: Any) -> Reply:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return Reply(Blocked(), "")

    return propose


@pytest.mark.parametrize("name", ["misses.png", "misses.html"])
def test_the_sheet_of_misses(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sheets" / name
    said = run(capsys, osworld_g(tmp_path), "--agent", "centre", "--misses", file)
    assert said["misses"] == 3
    if file.suffix == ".html":
        text = file.read_text()
        assert text.count("<figure>") == 3 and "Click the sheep" in text and "is not there" in text
        return
    with Image.open(file) as sheet:
        colours = {colour for _, colour in sheet.convert("RGB").getcolors(maxcolors=1 << 24)}
        assert {(0, 160, 60), (230, 0, 30)} <= colours and sheet.width > 1600


def test_a_sheet_without_misses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, plain(tmp_path), "--agent", "oracle", "--misses", tmp_path / "none.png")
    assert (tmp_path / "none.png").is_file()


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["grounding", str(plain(tmp_path)), "--agent", "oracle"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("oracle on ") and "100.0 %  43.9 to 100.0" in said.out
    for words in ("by type", "by kind", "by source", "by size", "right refusals", "false refusals", "s an item"):
        assert words in said.out
    assert "4 of 4, 3 of 3 hit" in said.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--perception", "eyes"], "no perception `eyes`, expected pixels or both"),
        (["--perception", "both"], "--perception both needs a nodes.json"),
        (["--layout", "screenspt"], "no layout `screenspt`, expected one of plain"),
        (["--template", "Click"], "does not hold {instruction}"),
        (["--misses", "sheet.pdf"], "expected a file that ends in .png or .html"),
        (["--agent", "nobody"], "no model `nobody`"),
        (["--agent", "plan"], "the agent `plan` reads nodes and no pixels; add --perception both"),
        (["--first", "7"], "it has 4 and the first to keep is number 7"),
    ],
)
def test_what_cannot_be_run_is_one_line(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["grounding", str(plain(tmp_path)), *words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert said.err.startswith("agent eval grounding: ") and line in said.err


def test_many_faults_are_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain(tmp_path, [entry(bbox=[])] * 30)
    assert command(["grounding", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21 and lines[-1].endswith("and 10 more faults")


def test_the_scripted_oracle_reads_nodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = plain(tmp_path, [entry(instruction="Settings"), entry(bbox=None, instruction="Delete")], NODES)
    said = run(capsys, suite, "--agent", "plan", "--perception", "both")
    assert said["hit_rate"] == 1.0 and said["refusal_rate"] == 1.0


@pytest.mark.parametrize(
    ("instruction", "sentence"),
    [
        ("Open the settings", "Open the settings"),
        ("Close the search button", "Close the search button"),
        ("close button", "Click the close button"),
        ("search box", "Click the search box"),
        ("bell icon", "Click the bell icon"),
        ("the Edit button in Ada's row", "Click the Edit button in Ada's row"),
        ("Freeze my card", "Freeze my card"),
        ("third result", "Click the third result"),
        ("7", "Click 7"),
        ("日本語", "Click 日本語"),
        ("…", "…"),
    ],
)
def test_a_bare_name_becomes_a_sentence(instruction: str, sentence: str) -> None:
    assert asked(instruction) == sentence
    assert asked(instruction, "{instruction}") == instruction


def test_figures() -> None:
    assert wilson(0, 0) is None and wilson(0, 10) == [0.0, 0.2775] and wilson(5, 10) == [0.2366, 0.7634]
    assert [size_class(area) for area in (255, 256, 1024, 16383, 16384)] == [
        "below 16x16",
        "below 32x32",
        "below 64x64",
        "below 128x128",
        "128x128 and up",
    ]
