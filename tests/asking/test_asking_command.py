"""`agent ask` whole: the built-in model on a real page, a server that answers well and badly, and every refusal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asked_files import SAVE, SETTINGS, draw_settings
from jsonschema import Draft202012Validator
from PIL import Image

from agent.asking import Question, ask_about
from model.asking.form import Asked
from model.asking.forms import NAMES, form
from model.asking.media import open_media

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "playwright")


# refusals ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from asked_files import make_film, make_paper

    folder = tmp_path_factory.mktemp("files")
    Image.new("RGB", (60, 40), "white").save(folder / "a.png")
    Image.new("RGB", (61, 40), "white").save(folder / "b.png")
    make_film(folder / "film.mp4")
    make_paper(folder / "paper.pdf")
    for name, text in {
        "good.json": '{"type": "object", "properties": {"a": {"type": "string", "pattern": "^x$"}}}',
        "nojson.json": "{",
        "list.json": "[]",
        "noschema.json": '{"type": "text"}',
        "away.json": '{"$ref": "https://example.org/schema.json"}',
        "unique.json": '{"type": "array", "uniqueItems": true}',
        "bare.json": '{"type": "array"}',
    }.items():
        (folder / name).write_text(text)
    (folder / "folder").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "profile.yaml").write_text("forms: [ocr, sing]")
    return folder


REFUSED: list[tuple[str, str]] = [
    ("none.png --form ocr", "none.png: there is no such file"),
    ("good.json --form ocr", "good.json: neither a picture"),
    ("a.png --form orc", "no form `orc`, did you mean `ocr`?"),
    ("a.png --form zebra", "no form `zebra`, expected one of question, ocr"),
    ("a.png", "the form `question` needs --question"),
    ("a.png --form ground", "the form `ground` needs --question"),
    ("a.png --form ground --question ' '", "the form `ground` needs --question"),
    ("a.png --form extract", "the form `extract` needs --schema"),
    ("a.png --form ocr --schema good.json", "--schema is for `question` and `extract`"),
    ("a.png --form ocr --format html", "--format is for `document`"),
    ("a.png --form document --format pdf", "--format takes `html` or `markdown`, got `pdf`"),
    ("a.png --form diff", "takes two pictures, before and after, got one picture"),
    ("a.png b.png --form diff", "measure differently"),
    ("a.png --form when --question x", "takes one recording, got one picture"),
    ("film.mp4 --form ocr", "film.mp4 is a recording"),
    ("film.mp4 a.png --question x", "a recording is asked about alone"),
    ("paper.pdf --form ocr --pages 9", "paper.pdf has pages 1 to 2"),
    ("a.png --form ocr --pages 1", "none of the files is a PDF"),
    ("a.png --form ocr --deadline 0", "--deadline takes seconds"),
    ("a.png --form ocr --out nowhere/x.json", "--out nowhere/x.json: expected a file in a folder that is there"),
    ("a.png --form ocr --out folder", "--out folder: expected a file in a folder that is there"),
    ("a.png --question x --schema none.json", "none.json: there is no such file"),
    ("a.png --question x --schema nojson.json", "nojson.json: no JSON"),
    ("a.png --question x --schema list.json", "list.json: a schema is a JSON object, got list"),
    ("a.png --question x --schema noschema.json", "noschema.json: no JSON Schema: at type"),
    ("a.png --question x --schema away.json", "points outside of the file"),
    ("a.png --form extract --schema bare.json", "expected {\"type\": \"object\""),
    ("a.png --question x --schema unique.json --model folder", "cannot be enforced by constrained decoding"),
    ("a.png --form ocr --model nowhere", "no model `nowhere`"),
    ("a.png --form ocr --model plan", "`plan` follows plans and sees no pictures"),
    ("a.png --form ocr --model http://127.0.0.1:1/v1", "names no model"),
    ("a.png --form ocr --model broken", "no form `sing`, expected some of question, ocr"),
    *((f"{two} --form {name} --question x {more}", "the built-in model `pilot` cannot do") for name, two, more in (
        ("question", "a.png", ""), ("extract", "a.png", "--schema good.json"), ("ground3d", "a.png", ""),
        ("document", "a.png", ""), ("code", "a.png", ""), ("diagram", "a.png", ""), ("diff", "a.png a.png", ""),
        ("when", "film.mp4", ""))),
]  # fmt: skip


def test_every_refusal_is_one_line_before_torch(files: Path) -> None:
    """All of them in one process, so that what was imported can be seen at its end."""
    code = f"""
import contextlib, io, json, shlex, sys
from typer.testing import CliRunner
from agent.cli import app
told = []
for line, _ in {REFUSED!r}:
    done = CliRunner().invoke(app, ["ask", *shlex.split(line)])
    told.append([done.exit_code, done.stdout, done.stderr, repr(done.exception) if done.exit_code not in (0, 1, 2) else ""])
heavy = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([told, heavy]))
"""
    kept = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=files, env=kept, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    told, heavy = json.loads(done.stdout)
    assert heavy == []
    for (line, said), (status, out, err, broke) in zip(REFUSED, told, strict=True):
        assert (status, out, broke) == (2, "", ""), (line, status, out, err, broke)
        assert err.startswith("agent ask: ") and err.count("\n") == 1 and said in err, (line, err)


def test_the_help_names_every_form_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.argv = ['agent', 'ask', '--help']\nfrom agent.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print([n for n in ('torch', 'numpy', 'PIL', 'av', 'llguidance') if n in sys.modules])"
    )
    kept = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert [name for name in NAMES if f"`{name}`" not in done.stdout] == []


# the built-in model --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_settings(tmp_path_factory.mktemp("page") / "settings.png")


@pytest.fixture(scope="module")
def pilot() -> Any:
    from model.asking.byreader import ReadingAnswerer
    from model.qwen3vl.checkpoint import PILOT, load

    return ReadingAnswerer(load(PILOT), 600)


def asked(capsys: pytest.CaptureFixture[str], *files: Path, **given: Any) -> tuple[int, Any, str]:
    code = ask_about(Question(files, as_json=True, **given))
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else None, err


def likeness(one: str, other: str) -> float:
    from rapidfuzz import fuzz

    return fuzz.ratio(one.casefold(), other.casefold()) / 100


@pytest.mark.timeout(300)
def test_the_pilot_reads_a_page(settings: Path, pilot: Any) -> None:
    """It misspells; each line is found where it stands, and most of their letters are right."""
    media = open_media([settings])
    read = pilot.answer("ocr", Asked(media.pictures, media))
    lines = read.answer["lines"]
    Draft202012Validator(form("ocr").schema(Asked())).validate(read.answer)
    best = {text: max(lines, key=lambda line: likeness(line["text"], text)) for text in SETTINGS}
    near = [text for text, line in best.items() if likeness(line["text"], text) >= 0.6]
    print(f"{len(near)} of {len(SETTINGS)} lines read: {[(text, best[text]['text']) for text in SETTINGS]}")
    assert len(near) >= 9
    left, top, right, bottom = best["Account settings"]["box"]
    assert left < 60 and right > 250 and top < 45 < bottom  # the heading stands at (40, 30), 28 pixels high
    assert read.answer["languages"] == [] and all(0 < line["sure"] <= 1 for line in lines)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("words", "box"),
    [("the Save button", SAVE), ("Where is the Cancel button?", (160, 350, 260, 390)), ("the Delete button", None)],
)
def test_the_pilot_finds_a_button_and_says_what_is_not_there(
    settings: Path, pilot: Any, words: str, box: tuple[int, int, int, int] | None
) -> None:
    media = open_media([settings])
    read = pilot.answer("ground", Asked(media.pictures, media, words))
    Draft202012Validator(form("ground").schema(Asked())).validate(read.answer)
    assert read.found == (box is not None)
    if box is not None:
        [found] = read.answer["found"]
        x, y = found["point"]
        assert box[0] <= x < box[2] and box[1] <= y < box[3], found
        assert 0.42 < found["sure"] <= 1
        assert abs(found["box"][0] - box[0]) < 16 and abs(found["box"][2] - box[2]) < 16


@pytest.mark.timeout(300)
def test_pages_and_pictures_are_read_one_by_one(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole command on the built-in model: a PDF and a picture of one page."""
    Image.open(settings).convert("RGB").save(tmp_path / "settings.pdf", resolution=144.0)
    out = tmp_path / "read.json"
    assert ask_about(Question((tmp_path / "settings.pdf", settings), form="ocr", out=out)) == 0
    assert capsys.readouterr().out == f"written to {out}\n"
    data = json.loads(out.read_text())
    assert data["coordinates"].startswith("boxes are [left, top, right, bottom] in pixels")
    assert [one["of"] for one in data["answers"]] == [
        [{"file": str(tmp_path / "settings.pdf"), "page": 1, "width": 900, "height": 500}],
        [{"file": str(settings), "width": 900, "height": 500}],
    ]
    first, second = (len(one["answer"]["lines"]) for one in data["answers"])
    assert first >= 9 and abs(first - second) <= 3  # the same page, drawn twice


# a server ------------------------------------------------------------------------------------------------------------


class Served:
    """A third party's server: what it is to say, and what it was asked."""

    def __init__(self) -> None:
        self.replies: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.name = ""


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            text = state.replies.pop(0) if len(state.replies) > 1 else state.replies[0]
            data = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.name = f"http://127.0.0.1:{server.server_address[1]}/v1#Qwen3-VL-8B-Instruct"
    yield state
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_served_model_is_asked_again_until_its_reply_is_in_form(
    served: Served, picture: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good = '```json\n[{"bbox_2d": [0, 0, 500, 500], "label": "Save"}]\n```'
    served.replies = ["I cannot see that.", '[{"bbox_2d": [0, 0, 5000, 500]}]', f"<think>\n[]\n</think>\n\n{good}"]
    code, data, err = asked(capsys, picture(), form="ground", question="the Save button", model=served.name)
    assert (code, err) == (0, "")
    assert data["answers"][0]["answer"]["found"][0]["box"] == [0, 0, 101, 61]
    assert [len(body["messages"]) for body in served.asked] == [1, 3, 3]
    assert "from 0 to 1000" in served.asked[2]["messages"][2]["content"]
    assert "structured_outputs" not in served.asked[0]
    content = served.asked[0]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["image_url", "text"] and "the Save button" in content[1]["text"]


def test_a_served_model_that_answers_garbage_is_one_line(
    served: Served, picture: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    served.replies = ["<script>alert(1)</script>"]
    assert ask_about(Question((picture(),), form="code", model=served.name)) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "3 replies, none in form" in err and len(served.asked) == 3


def test_a_server_that_takes_grammars_is_sent_one(
    served: Served, picture: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = tmp_path / "answer.json"
    schema.write_text('{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}')
    served.replies = ['{"n": "three"}', '```json\n{"n": 3}\n```']
    name = served.name.replace("#", "?structured=vllm#")
    code, data, _ = asked(capsys, picture("a.png"), picture("b.png"), question="how many", schema=schema, model=name)
    assert code == 0 and data["answers"][0]["answer"] == {"value": {"n": 3}} and len(data["answers"][0]["of"]) == 2
    assert served.asked[0]["structured_outputs"]["grammar"].startswith('start: "```json')
    assert [part.get("text", "") for part in served.asked[0]["messages"][0]["content"]][:3] == [
        "Picture 1: ",
        "",
        "Picture 2: ",
    ]


def test_a_recording_goes_to_a_server_as_frames_with_their_times(
    served: Served, film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.replies = ['[{"start": "00:01.50", "end": "00:09.00", "event": "it turns green"}]']
    code, data, err = asked(capsys, film, form="when", question="it turns green", model=served.name)
    assert code == 10 and err == "does not hold: `it turns green`: 00:09.00 is past the end at 00:03.00\n"
    assert data["answers"][0]["of"] == [{"file": str(film), "width": 96, "height": 64, "seconds": 3.0}]
    texts = [part["text"] for part in served.asked[0]["messages"][0]["content"] if part["type"] == "text"]
    assert texts[:3] == ["<0.2 seconds>", "<1.2 seconds>", "<2.2 seconds>"]
    served.replies = ["[]"]
    assert asked(capsys, film, form="when", question="it turns blue", model=served.name)[0] == 21


def test_a_page_is_written_as_it_was_checked(
    served: Served, picture: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.replies = ["```html\n<html><head></head><body><div>\x1b[31mHi</body></html>\n```"]
    out = tmp_path / "page.html"
    assert ask_about(Question((picture(),), form="code", model=served.name, out=out)) == 10
    assert capsys.readouterr().err == "does not hold: <div> is not closed\n"
    assert "Content-Security-Policy" in out.read_text()
    assert ask_about(Question((picture(),), form="code", model=served.name)) == 10
    assert "\x1b" not in capsys.readouterr().out  # a terminal is told nothing


# another checkpoint --------------------------------------------------------------------------------------------------


def test_any_checkpoint_answers_through_the_command(
    tiny_folder: Path, picture: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = tmp_path / "answer.json"
    schema.write_text('{"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}')
    code, data, _ = asked(capsys, picture(width=64, height=64), question="n?", schema=schema, model=str(tiny_folder))
    assert code == 0 and data["answers"][0]["answer"]["value"]["n"] in (1, 2)


def test_a_reply_that_takes_too_long_is_one_line(
    tiny_folder: Path, picture: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask_about(Question((picture(),), "what?", model=str(tiny_folder), deadline_s=1e-6)) == 1
    assert capsys.readouterr().err.startswith("agent ask: no reply within")
