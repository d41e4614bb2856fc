from __future__ import annotations

import io
import os
import random
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sample_run import Pass, Signer, booking, make_crash, make_run, plain, target, tiny_run

from actuators.action import Click, Drag, Hover, LongPress, OpenUrl, Scroll, Swipe, TypeText, Wait, Zoom
from actuators.geometry import Point, Rect
from actuators.receipt import Receipt
from agent.audit.erase import erase_frame
from agent.audit.spans import About, Trail
from agent.report.page import report_html, write_report
from agent.report.pictures import pictures
from agent.report.story import read_story
from agent.run_folder import RunFolder
from model.base import Act, Finish, Instruction, Reply
from policies.decision import Approval, Decision


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = make_run(tmp_path_factory.mktemp("run"))
    write_report(folder)
    return folder


class Reader(HTMLParser):
    """Every tag with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]


def test_the_report_tells_the_run(run: RunFolder) -> None:
    text = Reader(run.report.read_text()).text
    for words in (
        "book_flight",
        "Verified",
        "Book the cheapest direct flight from Zurich to Lisbon",
        "K7QX2M",
        "189.00 EUR",
        "The trail is intact",
        'Type “Lisbon” into textbox "To"',
        "refused by policy",
        "no-paid-extras",
        "nothing may be added that costs money beyond the fare",
        "screen changed, not done",
        "approved by tty: mara after 6.4 s",
        "would buy 189.00 EUR",
        "passed: text",
    ):
        assert words in text, words


def test_one_picture_of_each_frame_and_the_target_is_marked(run: RunFolder) -> None:
    page = Reader(run.report.read_text())
    images = [attrs for tag, attrs in page.tags if tag == "image"]
    assert len(images) == 7 and all(str(image["href"]).startswith("data:image/webp;base64,") for image in images)
    dots = [attrs for tag, attrs in page.tags if tag == "circle" and "dot" in str(attrs["class"])]
    assert {(dot["cx"], dot["cy"]) for dot in dots} == {("1030", "275"), ("450", "420")}


def test_nothing_is_loaded_from_anywhere(run: RunFolder) -> None:
    html = run.report.read_text()
    page = Reader(html)
    for value in page.values("href") + page.values("src"):
        assert value.startswith(("#", "data:image/webp", "data:image/gif")), value
    assert (
        not page.values("style")
        and "@import" not in html
        and "url(" not in re.sub(r'marker-end="url\(#arrow\)"', "", html)
    )
    policy = next(value for value in page.values("content") if "default-src" in value)
    assert (
        policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy and "http" not in policy
    )
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


EVIL = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">'
EVIL += "\"'`{{7*7}}${7*7}</style></script></title>\u202etxt.exe\x1b[31m"


def evil_run(root: Path) -> RunFolder:
    """A run in which every text that anybody can choose is hostile."""
    folder, signer = RunFolder.create(root, EVIL), Signer()
    folder.put_task(EVIL)
    known = About(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, {EVIL: EVIL})
    place, action = target(EVIL, EVIL), TypeText(text=EVIL)
    with Trail.start(folder, known, signer.sign, signer.public, plain) as trail, trail.run_span(EVIL):
        trail.event(EVIL, {"gui.evil": EVIL, f"gui.{EVIL}": EVIL}, body=EVIL)
        with trail.step(0, goal=EVIL):
            with trail.phase(f"observe {EVIL}", title=EVIL, url=EVIL, app=EVIL, frame=EVIL):
                pass
            with trail.phase(f"chat {EVIL}") as span:
                span.replied(Instruction(EVIL, EVIL, EVIL), Reply(Act(action, EVIL), EVIL))
            with trail.phase("policy.decide") as span:
                span.judged(action, place, Decision("ask", (EVIL,), (EVIL,), EVIL), (EVIL,))
                span.answered(Approval("approved", EVIL, 1.0), EVIL)
            trail.intent(0, signer.permit(folder.id, 0, action, place), place, Decision("allow", (EVIL,), reason=EVIL))
            with trail.phase("settle", still=False, watching=EVIL):
                pass
            with trail.phase("check", check=EVIL, passed=False, detail=EVIL):
                pass
            trail.outcome(0, Receipt("failed", action, 1.0, 2.0, EVIL, (EVIL,)), EVIL)
            trail.event(EVIL, {"gui.evil": EVIL}, body=EVIL * 3)
            with pytest.raises(RuntimeError), trail.phase(EVIL):
                raise RuntimeError(EVIL)
        with trail.step(1), trail.phase("chat x") as span:
            span.replied(Instruction(EVIL), Reply(Finish(EVIL), EVIL))
        trail.end("error", 1, detail=EVIL, outputs={EVIL: EVIL})
    return folder


def test_hostile_text_is_text_everywhere(tmp_path: Path) -> None:
    html = write_report(evil_run(tmp_path)).read_text()
    page = Reader(html)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in page.tags]
    assert "<script>window" not in html and 'onerror="' not in html
    assert "`49" not in page.text and "{{7*7}}${7*7}" in page.text
    assert html.count("&lt;script&gt;window.pwned=1") > 30
    assert "\u202e" not in html and "\x1b" not in html and "⟨U+202E⟩" in html and "⟨U+001B⟩" in html
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_a_record_written_by_somebody_else_cannot_break_the_page(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path)
    stored = folder.journal.read_bytes()
    rng = random.Random(1)
    for _ in range(25):
        bad = bytearray(stored)
        for _ in range(20):
            bad[rng.randrange(len(bad))] = rng.choice(b'"{}[]:,0x<>\n')
        folder.journal.write_bytes(bad)
        assert "The trail does not hold" in report_html(folder)
    stored = make_run(tmp_path).journal.read_bytes()
    types = stored.replace(b'"stringValue":', b'"arrayValue":').replace(b'"intValue":"', b'"stringValue":"')
    folder.journal.write_bytes(types)
    assert "The trail does not hold" in report_html(folder)


def test_a_crash_in_an_act_is_said_on_top(tmp_path: Path) -> None:
    text = Reader(write_report(make_crash(tmp_path)).read_text()).text
    assert "Effect unknown" in text and "It is not known whether this happened" in text
    assert 'Step 3 Click button "Pay EUR 189.00"' in text and "no outcome" in text and "never closed" in text


def test_an_altered_trail_is_said_and_the_story_still_told(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    folder.journal.write_bytes(folder.journal.read_bytes().replace(b"Lisbon", b"London"))
    text = Reader(write_report(folder).read_text()).text
    assert "The trail does not hold altered at record 0" in text and "Type “London” into" in text


@pytest.mark.parametrize("missing", ["run.json", "journal.jsonl", "frames", "task.yaml"])
def test_whatever_is_missing_there_is_a_report(tmp_path: Path, missing: str) -> None:
    folder = make_run(tmp_path)
    place = folder.path / missing
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    html = write_report(folder).read_text()
    assert folder.id in html and "Steps" in html
    if missing == "frames":
        assert "This frame was erased, is missing or cannot be read." in html


def test_an_erased_frame_leaves_a_gap_and_a_sound_trail(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    erase_frame(folder, sorted(frame.stem for frame in folder.frames.iterdir())[0], "a face was on it")
    text = Reader(write_report(folder).read_text()).text
    assert "This frame was erased" in text and "The trail is intact" in text


@pytest.mark.parametrize(
    "action",
    [
        Drag(start=Point(10, 10), end=Point(300, 200)),
        Swipe(start=Point(10, 10), end=Point(300, 200)),
        Scroll(at=Point(5, 5), dx=-100),
        Hover(at=Point(1279, 799)),
        LongPress(at=Point(0, 0)),
        Zoom(region=Rect(1, 2, 300, 400)),
        Wait(),
        OpenUrl(url="http://x/"),
        Click(at=Point(10**9, -(10**9))),
    ],
)
def test_every_action_has_a_title_and_a_drawing_that_fits(tmp_path: Path, action: Any) -> None:
    before = booking()[0].before
    html = report_html(make_run(tmp_path, [Pass("g", action, target(), before, before)]))
    drawn = [
        attrs
        for tag, attrs in Reader(html).tags
        if tag in ("line", "circle", "rect") and "mark" in str(attrs.get("class"))
    ]
    assert bool(drawn) != (action.kind in ("wait", "open_url"))
    assert action.kind.split("_")[0].capitalize() in html


def noisy(seed: int, size: tuple[int, int] = (1920, 1080)) -> bytes:
    """A screen as hard to compress as screens get: a photograph beside text-like noise."""
    rng = random.Random(seed)
    small = Image.frombytes("RGB", (96, 54), rng.randbytes(96 * 54 * 3)).resize(size, Image.Resampling.BICUBIC)
    small.paste(Image.frombytes("L", (800, 500), rng.randbytes(800 * 500)), (size[0] // 9, size[1] // 9))
    out = io.BytesIO()
    small.save(out, "PNG", compress_level=1)
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_long_run_on_hard_screens_stays_below_ten_megabytes(tmp_path: Path) -> None:
    shots = [noisy(seed) for seed in range(51)]
    passes = [Pass("g", Click(at=Point(9, 9)), target(), *pair) for pair in pairwise(shots)]
    assert write_report(make_run(tmp_path, passes)).stat().st_size < 10_000_000


def test_the_budget_for_pictures_holds_and_none_is_lost(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "x")
    digests = [folder.put_frame(noisy(seed, (960, 540))) for seed in range(3)]
    for budget in (400_000, 60_000):
        made = pictures(folder, [*digests, *digests, "", "0" * 64, "../../x"], budget)
        assert list(made) == digests
        assert sum(len(picture.data) for picture in made.values()) * 3 / 4 < budget * 1.01
        assert {(picture.width, picture.height) for picture in made.values()} == {(960, 540)}


def test_what_is_not_a_picture_is_left_out(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "x")
    real = booking()[0].before
    bad = [folder.put_frame(data) for data in (b"", b"GIF89a", real[:300], real[:-2000], b"<svg/>")]
    assert list(pictures(folder, [*bad, folder.put_frame(real)])) == [folder.put_frame(real)]


def test_the_story_knows_before_and_after_where_only_the_loop_looks(tmp_path: Path) -> None:
    """The loop looks once before its first step and then after each act, inside the step."""
    folder, signer, steps = RunFolder.create(tmp_path, "x"), Signer(), booking()
    frames = [folder.put_frame(png) for png in (steps[1].before, steps[1].after, steps[2].after)]
    with Trail.start(folder, About("x"), signer.sign, signer.public, plain) as trail:
        with trail.phase("observe", frame=frames[0]):
            pass
        for index in range(2):
            with trail.step(index):
                with trail.phase("chat m"):
                    pass
                with trail.phase("observe", frame=frames[index + 1]):
                    pass
        trail.end("verified", 0)
    assert [(step.before, step.after) for step in read_story(folder).steps] == [
        (frames[0], frames[1]),
        (frames[1], frames[2]),
    ]


# in a browser


CHROMIUM = os.environ.get("AGENT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    from sandboxes.chromium import driver

    started = driver.hold().chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    try:
        yield started
    finally:
        started.close()
        driver.release()


def opened(browser: Any, path: Path, width: int = 1280) -> tuple[Any, list[str]]:
    page, said = browser.new_page(viewport={"width": width, "height": 900}), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto(path.as_uri())
    return page, said


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_is_silent(browser: Any, run: RunFolder, width: int) -> None:
    page, said = opened(browser, run.report, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(
        "[...document.querySelectorAll('.shot svg')].every(s => s.getBoundingClientRect().height > 50)"
    )
    page.locator(".shot .enlarge").first.click()
    assert page.locator("dialog[open] svg").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0 and said == []
    page.close()


@pytest.mark.browser
def test_filters_and_keys_work(browser: Any, run: RunFolder) -> None:
    page, said = opened(browser, run.report)
    assert page.locator(".step:visible").count() == 9
    page.keyboard.press("3")
    assert page.locator(".step:visible h2").all_inner_texts() == [
        'Step 6:\nClick button "Add insurance"',
        "Step 7:\nPress ctrl + enter",
    ]
    assert page.locator("#shown").inner_text() == "2 of 9 steps shown"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == "step-6"
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == "step-5"
    page.get_by_role("button", name="Asked").click()
    assert page.locator(".step:visible").count() == 1
    page.get_by_role("button", name="All").click()
    page.locator(".strip a").nth(3).click()
    assert page.evaluate("document.activeElement.id") == "step-3" and said == []
    page.close()


@pytest.mark.browser
def test_steps_are_found_by_their_words(browser: Any, run: RunFolder) -> None:
    page, said = opened(browser, run.report)
    page.get_by_label("Find").fill("insurance seems")
    assert page.locator("#shown").inner_text() == "1 of 9 steps shown"
    page.keyboard.type(" 1")  # a digit is part of the words here, not a key of the page
    assert page.locator("#shown").inner_text() == "0 of 9 steps shown"
    page.get_by_label("Find").fill("pay")
    page.get_by_role("button", name="Asked").click()
    assert page.locator(".step:visible").count() == 1 and said == []
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("which", ["whole", "crashed", "hostile"])
def test_axe_finds_nothing(browser: Any, run: RunFolder, tmp_path: Path, which: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = run.report
    if which != "whole":
        path = write_report(make_crash(tmp_path) if which == "crashed" else evil_run(tmp_path))
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = axe.Axe().run(page)
    page.close()
    told = [
        (one["impact"], one["id"], [node["html"][:120] for node in one["nodes"]])
        for one in found.response["violations"]
    ]
    assert told == []


@pytest.mark.browser
def test_hostile_text_runs_nothing_and_fits(browser: Any, tmp_path: Path) -> None:
    page, said = opened(browser, write_report(evil_run(tmp_path)), 390)
    assert page.evaluate("window.pwned") is None and said == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()


@pytest.mark.browser
def test_the_page_says_it_all_without_scripts(browser: Any, run: RunFolder) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(run.report.as_uri())
    assert page.locator(".step").count() == 9 and page.locator("text=no-paid-extras").count() == 1
    context.close()


def test_the_counts_of_the_filters_are_those_of_the_steps(run: RunFolder) -> None:
    html = run.report.read_text()
    groups = [value.split() for value in Reader(html).values("data-groups")]
    shown = dict(re.findall(r'data-show="(\w+)" aria-pressed="\w+">\w+ <b>(\d+)</b>', html))
    assert shown == {"all": "9"} | {
        name: str(sum(name in each for each in groups)) for name in ("acts", "refused", "asked")
    }
    assert shown == {"all": "9", "acts": "7", "refused": "2", "asked": "1"}


def test_a_run_that_was_stopped_has_a_short_report_at_once_and_the_whole_when_it_is_looked_at(tmp_path: Path) -> None:
    from agent.report.page import is_brief
    from agent.view import show

    folder = make_run(tmp_path)
    whole = Reader(report_html(folder))
    short = Reader(write_report(folder, brief=True).read_text())
    assert is_brief(folder) and not folder.film.exists()
    steps = [len([one for one in page.values("id") if one.startswith("step-")]) for page in (whole, short)]
    images = [sum(tag == "image" for tag, _ in page.tags) for page in (whole, short)]
    assert steps[0] == steps[1] and images[1] <= 6
    assert len(folder.report.read_bytes()) < len(report_html(folder))
    assert show(folder.id, tmp_path, open_it=False) == 0
    assert not is_brief(folder) and folder.film.exists()
