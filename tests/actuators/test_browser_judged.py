"""A page may say what it likes: what is judged is what a press would really do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_stage import BrowserStage
from contract.actuator import cleared, do, middle, named, press

from actuators.action import Click, Drag, PressKeys, TypeText
from actuators.geometry import Point
from actuators.observation import Target

pytestmark = pytest.mark.browser
Begin = Callable[..., BrowserStage]


def under(stage: BrowserStage, selector: str) -> Target:
    """The target of a click on the middle of an element."""
    return stage.actuator.target(Click(at=spot(stage, selector)), stage.actuator.observe())


def spot(stage: BrowserStage, selector: str) -> Point:
    box = stage.page.locator(selector).bounding_box()
    assert box is not None
    return Point(int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2))


@pytest.mark.parametrize(
    "html",
    [
        '<a id=x href="http://evil.test/pay" role=text>Read more</a>',
        '<a id=x href="http://evil.test/pay" role=heading>Read more</a>',
        '<a href="http://evil.test/pay"><span id=x tabindex=0>Read more</span></a>',
        '<a href="http://evil.test/pay"><div id=x role=button>Read more</div></a>',
        '<a href="http://evil.test/pay"><div id=x onclick="1" style="cursor: pointer">Read more</div></a>',
        '<svg width=100 height=40><a href="http://evil.test/pay"><text id=x y=20>Read more</text></a></svg>',
        '<map name=m><area id=a shape=rect coords="0,0,100,100" href="http://evil.test/pay" alt="Read more"></map>'
        "<img id=x usemap=#m width=100 height=100 style='background: red'>",
    ],
)
def test_a_claimed_role_or_an_inner_thing_does_not_hide_where_a_link_leads(begin: Begin, html: str) -> None:
    stage = begin(f"<body>{html}")
    assert under(stage, "#x").destination == "http://evil.test/pay"


@pytest.mark.parametrize(
    "html",
    [
        "<button id=x role=text>Show details</button>",
        "<button><span id=x role=link tabindex=0>Show details</span></button>",
        "<button><span id=x role=button>Show details</span></button>",
        "<label id=x>Show details <input type=submit style='position: absolute; opacity: 0'></label>",
    ],
)
def test_a_submit_button_stays_one_whatever_it_claims(begin: Begin, html: str) -> None:
    stage = begin(f"<form method=post action='http://evil.test/buy'>{html}</form>")
    target = under(stage, "#x")
    assert target.node is not None and target.node.submits
    assert target.destination == "http://evil.test/buy"


def test_a_label_that_hides_what_a_button_shows_is_told_with_it(begin: Begin) -> None:
    stage = begin("<button aria-label='Continue'>Delete account</button><button aria-label='Seat 1A'>1A</button>")
    names = [node.name for node in stage.actuator.observe().nodes]
    assert names == ["Continue (shows: Delete account)", "Seat 1A"]


def test_words_that_nobody_sees_are_not_in_a_name(begin: Begin) -> None:
    stage = begin(
        "<button>Save<span style='display: none'> and delete</span><span hidden> all</span></button>"
        "<details><summary>More</summary><p>inside</p></details><p style='visibility: hidden'>ghost</p>"
    )
    assert [node.name for node in stage.actuator.observe().nodes] == ["Save", "More"]


@pytest.mark.parametrize("field", ["hidden", "text", "amount", "tick", "list"])
def test_a_submit_is_stale_when_any_field_of_its_form_changed(begin: Begin, field: str) -> None:
    stage = begin(
        "<form method=post action=/pay><input type=hidden name=to id=hidden value=bank><input id=text value=a>"
        "<input type=number id=amount value=10><input type=checkbox id=tick><select id=list><option>1<option>2</select>"
        "<button>Pay</button></form><script>document.forms[0].onsubmit = e => e.preventDefault()</script>"
    )
    seen = stage.actuator.observe()
    action = Click(at=middle(seen, "Pay"))
    permit = cleared(stage, action, seen)
    assert stage.actuator.perform(permit).status == "done", "nothing changed"
    permit = cleared(stage, action, seen)
    change = {"tick": "checked = true", "list": "selectedIndex = 1", "amount": "value = 10000"}.get(
        field, "value = 'x'"
    )
    stage.page.evaluate(f"document.getElementById('{field}').{change}")
    receipt = stage.actuator.perform(permit)
    assert (receipt.status, receipt.performed) == ("stale", None)


def test_a_submit_is_stale_when_its_form_would_go_elsewhere(begin: Begin) -> None:
    stage = begin("<form method=post action=/pay><button>Pay</button></form>")
    seen = stage.actuator.observe()
    permit = cleared(stage, Click(at=middle(seen, "Pay")), seen)
    stage.page.evaluate("document.forms[0].action = 'http://evil.test/'")
    assert stage.actuator.perform(permit).status == "stale"


def test_an_element_that_was_replaced_by_its_twin_is_stale(begin: Begin) -> None:
    stage = begin("<button id=x>Go</button>")
    seen = stage.actuator.observe()
    permit = cleared(stage, Click(at=middle(seen, "Go")), seen)
    stage.page.evaluate("x.replaceWith(x.cloneNode(true))")
    assert stage.actuator.perform(permit).status == "stale"


def test_enter_is_judged_by_the_default_button(begin: Begin) -> None:
    stage = begin("<form action=/safe><input aria-label=Who><button formaction='http://evil.test/'>Go</button></form>")
    press(stage, "Who")
    target = stage.actuator.target(PressKeys(keys=("enter",)), stage.actuator.observe())
    assert target.destination == "http://evil.test/"


CLOBBERED = """<form method=post action="http://evil.test/buy">""" + "".join(
    f"<input name={name} value=1 style='width: 20px'>"
    for name in (
        *("children", "childNodes", "getAttribute", "innerText", "parentNode", "parentElement", "elements", "action"),
        *("method", "localName", "nodeType", "shadowRoot", "matches", "closest", "hidden", "tabIndex", "nodeName"),
        *("getBoundingClientRect", "getClientRects", "ownerDocument", "labels", "checkVisibility", "length"),
    )
) + "<button>Buy</button></form>" + "".join(
    f"<img name={name} alt={name} src=''>"
    for name in ("body", "documentElement", "elementFromPoint", "activeElement", "getElementById", "createRange", "URL",
                 "title", "readyState", "defaultView", "scrollingElement", "getAnimations", "host", "addEventListener",
                 "deskhand", "timeline", "querySelectorAll", "fonts")
)  # fmt: skip


def test_fields_named_like_properties_deceive_nobody(begin: Begin) -> None:
    stage = begin(f"<title>T</title><body>{CLOBBERED}<div id=deskhand></div>")
    seen = stage.actuator.observe()
    assert (seen.title, seen.url) == ("T", "http://stage.test/")
    buy = named(seen, "Buy")
    target = stage.actuator.target(Click(at=buy.rect.centre), seen)
    assert target.destination == "http://evil.test/buy" and buy.form is not None and buy.form.method == "POST"
    assert "Buy" in buy.form.text
    assert stage.actuator.settle().still
    press(stage, "Buy")


TAMPERED = """<button>Pay 500 EUR</button><script>
for (const p of [Array.prototype, String.prototype, Set.prototype, Map.prototype, WeakMap.prototype, RegExp.prototype])
  for (const n of Object.getOwnPropertyNames(p)) if (!['constructor', 'length'].includes(n))
    try { p[n] = () => { throw new Error('tampered') }; } catch {}
JSON.stringify = () => '{}'; Document.prototype.elementFromPoint = () => document.body;
Element.prototype.getBoundingClientRect = () => ({left: 0, top: 0, right: 9, bottom: 9});
Element.prototype.getAttribute = () => 'Safe'; Object.defineProperty(Node.prototype, 'childNodes', {get: () => []});
getComputedStyle = () => ({}); requestAnimationFrame = () => 0; Promise = null; performance.now = () => 0;
</script>"""


def test_scripts_of_the_page_cannot_change_what_is_read(begin: Begin) -> None:
    stage = begin(TAMPERED)
    assert [node.name for node in stage.actuator.observe().nodes] == ["Pay 500 EUR"]
    assert do(stage, Click(at=middle(stage.actuator.observe(), "Pay 500 EUR"))).status == "done"


def test_frames_are_found_by_themselves_and_not_by_their_order(begin: Begin) -> None:
    """The order of elements in a document is not the order in which their frames were made."""
    frame = "<button>{}</button>"
    pages = {
        "/": """<body><div id=box></div><script>
          for (const at of ['http://other.test/a', '/b', 'http://third.test/c', '/d', 'http://other.test/e']) {
            const f = document.createElement('iframe'); f.src = at; f.id = 'f' + at.at(-1);
            f.style = 'display: block; width: 200px; height: 50px; border: 3px solid; padding: 5px';
            box.prepend(f); }</script>""",
        **{f"/{one}": frame.format(f"Press {one}") for one in "abcde"},
    }
    stage = begin(pages)
    seen = stage.actuator.observe()
    assert [node.name for node in seen.nodes] == [f"Press {one}" for one in "edcba"]
    for node in seen.nodes:
        target = stage.actuator.target(Click(at=node.rect.centre), seen)
        assert target.node is not None and target.node.name == node.name
        assert target.node.rect == node.rect
        host = {"b": "stage", "d": "stage", "c": "third"}.get(node.name[-1], "other")
        assert target.origin == f"http://{host}.test"


def test_what_lies_over_a_frame_covers_what_is_in_it(begin: Begin) -> None:
    cover = (
        "<div style='position: fixed; inset: 0; background: #0008'><button style='margin: 200px'>Close</button></div>"
    )
    frames = "<iframe src=/in></iframe><iframe src='http://other.test/in'></iframe>"
    stage = begin({"/": f"<button>Under</button>{frames}{cover}", "/in": "<button>Inside</button>"})
    assert [node.name for node in stage.actuator.observe().nodes] == ["Close"]
    target = under(stage, "iframe >> nth=1")
    assert target.node is None or target.node.name != "Inside"


def test_a_canvas_that_changes_is_stale(begin: Begin) -> None:
    stage = begin("<body style='margin: 0'><canvas id=c width=200 height=200></canvas>")
    at = Point(100, 100)
    seen = stage.actuator.observe()
    permit = cleared(stage, Click(at=at), seen)
    assert stage.actuator.perform(permit).status == "done"
    permit = cleared(stage, Click(at=at), seen)
    stage.page.evaluate("c.getContext('2d').fillRect(80, 80, 40, 40)")
    assert stage.actuator.perform(permit).status == "stale"


@pytest.mark.parametrize(
    "token", ["cc-number", "billing cc-csc", "section-a shipping cc-number webauthn", "one-time-code"]
)
def test_fields_for_cards_and_codes_are_secret_however_they_are_written(begin: Begin, token: str) -> None:
    stage = begin(f"<input id=x autocomplete='{token}' value=4242>")
    assert under(stage, "#x").secret_field
    assert "4242" not in stage.actuator.observe().text()


def test_boxes_that_are_not_there_cut_nothing_off(begin: Begin) -> None:
    stage = begin(
        "<div style='display: contents; overflow: hidden'><p>One</p><button>Two</button></div>"
        "<div style='overflow: hidden; height: 0'><button style='position: fixed; top: 200px'>Three</button></div>"
        "<div style='overflow: hidden; height: 0'><button style='position: absolute; top: 250px'>Four</button></div>"
        "<div style='overflow: hidden; height: 0'><button>Gone</button></div>"
    )
    assert [node.name for node in stage.actuator.observe().nodes] == ["One", "Two", "Three", "Four"]


def test_a_choice_that_could_be_two_is_none(begin: Begin) -> None:
    stage = begin("<select aria-label=Sort><option>None<option>Price: low<option>Price: high<option>Name</select>")
    for text, status, value in (
        ("Price", "failed", "None"),
        ("Na", "done", "Name"),
        ("price: HIGH", "done", "Price: high"),
    ):
        press(stage, "Sort")
        assert do(stage, TypeText(text=text)).status == status
        do(stage, PressKeys(keys=("escape",)))
        assert named(stage.actuator.observe(), "Sort").value == value


def test_a_page_with_no_end_is_read_to_a_bound(begin: Begin) -> None:
    many = "".join(f"<a href=/{number}>l{number}</a> " for number in range(4000))
    stage = begin(f"<body style='font: 2px sans-serif'>{many}")
    assert 1000 < len(stage.actuator.observe().nodes) <= 1501


BOARD = """<style>div { position: absolute; width: 80px; height: 30px; top: 20px }</style>
<div id=card role=listitem tabindex=0 style="left:10px">Meeting</div><div id=day role=listitem tabindex=0 style="left:200px">Monday</div>
<script>let dropped = 0; addEventListener('mouseup', (e) => { dropped = document.elementFromPoint(e.clientX, e.clientY).id })</script>"""


def test_of_a_drag_both_ends_are_looked_at_again(begin: Begin) -> None:
    """Another thing where it would let go, and it is not begun at all."""
    stage = begin(BOARD)
    seen = stage.actuator.observe()
    drag = Drag(start=spot(stage, "#card"), end=spot(stage, "#day"))
    judged = stage.actuator.target(drag, seen)
    assert judged.node is not None and judged.drop is not None
    assert (judged.node.name, judged.drop.name) == ("Meeting", "Monday")
    stage.page.evaluate("() => { day.textContent = 'Trash' }")
    assert stage.actuator.perform(stage.mint.permit(drag, judged)).status == "stale"
    assert stage.page.evaluate("dropped") == 0
    again = stage.actuator.target(drag, stage.actuator.observe())
    assert stage.actuator.perform(stage.mint.permit(drag, again)).status == "done"
    assert stage.page.evaluate("dropped") == "day"


SHELF = """<style>div { position: absolute; width: 80px; height: 60px; top: 20px }</style>
<div id=file draggable=true style="left:10px">File</div>
<div id=bin style="left:276px" ondragover="event.preventDefault()" ondrop="got = event.dataTransfer.getData('text')">Bin</div>
<script>let got = ''; file.ondragstart = (e) => e.dataTransfer.setData('text', 'the file')</script>"""


def test_what_is_dragged_by_the_page_s_own_means_is_dropped(begin: Begin) -> None:
    """A target that is entered at the last step has to be asked once more whether it takes the thing."""
    stage = begin(SHELF)
    assert do(stage, Drag(start=spot(stage, "#file"), end=spot(stage, "#bin"))).status == "done"
    assert stage.page.evaluate("got") == "the file"
