from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_stage import BrowserStage

from actuators.action import Click, TypeText
from actuators.observation import Node

pytestmark = pytest.mark.browser
Begin = Callable[..., BrowserStage]


def listed(begin: Begin, body: str, **pages: str) -> list[tuple[str, str]]:
    return [(node.role, node.name) for node in begin({"/": body, **pages}).actuator.observe().nodes]


def only(stage: BrowserStage, name: str) -> Node:
    found = [node for node in stage.actuator.observe().nodes if node.name == name]
    assert len(found) == 1, found
    return found[0]


NAMES = [
    ("<button>Save <b>now</b></button>", ("button", "Save now")),
    ("<button aria-label='Close dialog'>x</button>", ("button", "Close dialog")),
    ("<span id=a>Total</span><button aria-labelledby='a b' id=b aria-label=Pay>x</button>", ("button", "Total Pay")),
    ("<input type=submit>", ("button", "Submit")),
    ("<input type=submit value='Pay 5 EUR'>", ("button", "Pay 5 EUR")),
    ("<input type=image alt=Go>", ("button", "Go")),
    ("<a href=/x><img alt=Home width=20 height=20></a>", ("link", "Home")),
    ("<label>City <input></label>", ("textbox", "City")),
    ("<label for=i>City</label> <input id=i>", ("textbox", "City")),
    ("<input placeholder=Search type=search>", ("searchbox", "Search")),
    ("<input title=Age type=number>", ("spinbutton", "Age")),
    ("<input type=range aria-label=Loud>", ("slider", "Loud")),
    ("<input list=l aria-label=Fruit><datalist id=l><option>Fig</datalist>", ("combobox", "Fruit")),
    ("<select aria-label=Pick><option>A</select>", ("combobox", "Pick")),
    ("<select aria-label=Pick size=2><option>A<option>B</select>", ("listbox", "Pick")),
    ("<div contenteditable aria-label=Note>hi</div>", ("textbox", "Note")),
    ("<div role=tab tabindex=0>Second</div>", ("tab", "Second")),
    ("<details><summary>More</summary>x</details>", ("button", "More")),
    ("<svg width=20 height=20 role=img aria-label=Chart><rect width=20 height=20 /></svg>", ("image", "Chart")),
    ("<button><svg width=9 height=9><title>Trash</title><rect width=9 height=9 /></svg></button>", ("button", "Trash")),
    ("<h2>Part <i>two</i></h2>", ("heading", "Part two")),
    ("<p role=alert>Wrong code</p>", ("alert", "Wrong code")),
    ("<div role=status><p>Saved</p></div>", ("status", "Saved")),
    ("<table><tr><td>89.00 EUR</table>", ("cell", "89.00 EUR")),
    ("<div onclick='x()'>Row</div>", ("generic", "Row")),
    ("<a title=Prev style='display:block;width:20px;height:20px'></a>", ("generic", "Prev")),
    ("<ul style='cursor:pointer'><li>One<li>Two</ul>", ("generic", "Two")),
    ("Login<br><input><br>", ("textbox", "Login")),
    ("<p>Password</p><div><input name=pw></div>", ("textbox", "Password")),
    ("<table><tr><th>Title<td><input name=t></table>", ("textbox", "Title")),
    ("<table><tr><td>Sort on:<td><select><option>A</select></table>", ("combobox", "Sort on:")),
    ("<input type=checkbox> Remember me", ("checkbox", "Remember me")),
    ("Sex <input type=radio> male", ("radio", "male")),
    ("Name <input name=n><br><input name=__login_password>", ("textbox", "login password")),
    ("<input name=userName placeholder=You>", ("textbox", "You")),
    (
        "<ul><li><i tabindex=0 role=button>a.txt</i><li style='display:flex'><span tabindex=-1>b.txt</span></ul>",
        ("generic", "b.txt"),
    ),
    ("<div tabindex=-1>Main part</div>", ("text", "Main part")),
    ("<button style='text-transform:uppercase'>go<span style='display:none'> away</span></button>", ("button", "go")),
]


def test_roles_and_names(begin: Begin) -> None:
    stage = begin("<p>x")
    wrong = []
    for html, expected in NAMES:
        stage.page.set_content(html)
        seen = [(node.role, node.name) for node in stage.actuator.observe().nodes]
        if expected not in seen:
            wrong.append((html, expected, seen))
    assert not wrong


def test_text_is_read_in_order_and_labels_are_not_repeated(begin: Begin) -> None:
    page = """<h1>Trip</h1><p>From <b>Zurich</b> to <a href=/l>Lisbon</a>, daily.<br>Cheap.</p>
    <form><label for=n>Name</label><input id=n>
    <label><input type=checkbox> Direct only</label><button>Go</button></form>
    <ul><li>One</li><li>Two <button>x</button> three</li></ul>"""
    assert listed(begin, page) == [
        ("heading", "Trip"),
        ("text", "From Zurich to"),
        ("link", "Lisbon"),
        ("text", ", daily. Cheap."),
        ("textbox", "Name"),
        ("checkbox", "Direct only"),
        ("button", "Go"),
        ("text", "One"),
        ("text", "Two"),
        ("button", "x"),
        ("text", "three"),
    ]


HIDDEN = [
    "<button style='display:none'>No</button>",
    "<div style='visibility:hidden'><button>No</button></div>",
    "<div style='opacity:0'><button>No</button></div>",
    "<button style='position:absolute;left:-500px'>No</button>",
    "<div style='height:0;overflow:hidden'><button>No</button></div>",
    "<div style='height:20px;overflow:auto'><p style='height:60px'>x</p><button>No</button></div>",
    "<button>No</button><div style='position:fixed;inset:0;background:#fff'>Yes</div>",
    "<p>No</p><dialog id=d>Yes</dialog><script>d.showModal();</script><style>::backdrop{background:#fff}</style>",
    "<div hidden><button>No</button></div><details><summary>Yes</summary><button>No</button></details>",
    "<script>No</script><style>No</style><noscript>No</noscript><template>No</template><!-- No -->",
    "<select><option>Yes<option>No</select>",
    "<input type=hidden value=No>",
    "<div style='position:absolute;top:3000px'>No</div>",
]


def test_what_nobody_can_see_is_not_listed(begin: Begin) -> None:
    stage = begin("<p>x")
    for html in HIDDEN:
        stage.page.set_content(html)
        assert "No" not in stage.actuator.observe().text(), html


def test_a_half_covered_button_is_listed_where_it_is_free(begin: Begin) -> None:
    stage = begin(
        "<button style='position:absolute;left:0;top:0;width:300px;height:60px'>Go</button>"
        "<div style='position:absolute;left:80px;top:0;width:200px;height:60px;background:#fcc'>Ad</div>"
    )
    go = only(stage, "Go")
    hit = stage.actuator.target(Click(at=go.rect.centre), stage.actuator.observe())
    assert hit.node is not None and hit.node.name == "Go"


def test_a_link_over_two_lines_is_hit_in_its_larger_part(begin: Begin) -> None:
    stage = begin("<p style='width:200px;font:16px monospace'>aaaaaaaaaaaaaaaaa <a href=/x>bb cccccccccccccccc</a></p>")
    link = only(stage, "bb cccccccccccccccc")
    hit = stage.actuator.target(Click(at=link.rect.centre), stage.actuator.observe())
    assert hit.node is not None and hit.node.id == link.id and hit.destination.endswith("/x")


def test_a_tick_box_behind_a_drawn_label_is_reached_through_it(begin: Begin) -> None:
    stage = begin(
        "<style>input{position:absolute;opacity:0;width:0;height:0} i{display:inline-block;width:20px;height:20px;"
        "background:#ccc}</style><label><input type=checkbox><i></i> News</label>"
    )
    box = only(stage, "News")
    assert (box.role, box.checked) == ("checkbox", False)
    stage.page.mouse.click(box.rect.centre.x, box.rect.centre.y)
    assert only(stage, "News").checked is True


def test_states(begin: Begin) -> None:
    stage = begin("""<button disabled>Off</button><div inert><button>Inert</button></div>
    <button aria-pressed=true>Bold</button><button aria-expanded=true>Menu</button>
    <label><input type=radio checked> A</label><select aria-label=S><option>One<option selected>Two</select>
    <input aria-label=F value=text readonly><input aria-label=N type=number value=3 autofocus>
    <div role=option aria-selected=true tabindex=0>Opt</div>""")
    seen = {node.name: node for node in stage.actuator.observe().nodes}
    assert not seen["Off"].enabled and seen["Bold"].checked is True and seen["Menu"].expanded is True
    assert "Inert" not in seen or not seen["Inert"].enabled
    assert seen["A"].checked is True and seen["S"].value == "Two" and seen["S"].expanded is False
    assert (seen["F"].value, seen["F"].editable, seen["F"].filled) == ("text", False, True)
    assert seen["N"].focused and seen["Opt"].selected is True


SECRETS = """<input aria-label=P type=password value=hunter2>
<input aria-label=C autocomplete="billing cc-number" value=42424242>
<input aria-label=O autocomplete=one-time-code value=998877><input aria-label=V autocomplete=cc-csc value=123>
<input aria-label=N autocomplete=new-password value=topsecret><label>L <input type=password value=inlabel></label>"""


def test_secret_values_are_never_told(begin: Begin) -> None:
    stage = begin(SECRETS)
    seen = stage.actuator.observe()
    stage.page.evaluate("document.querySelector('[aria-label=P]').type = 'text'")
    shown = stage.actuator.observe()
    for word in ("hunter2", "42424242", "998877", "topsecret", "inlabel"):
        assert word not in repr(seen) and word not in repr(shown)
    assert all(node.value == "" and node.filled for node in seen.nodes)
    for node in seen.nodes:
        assert stage.actuator.target(Click(at=node.rect.centre), seen).secret_field, node.name
    assert {node.name for node in shown.nodes if node.password} == {"P", "N", "L"}


def test_forms_are_told_even_when_their_fields_cover_their_own_properties(begin: Begin) -> None:
    stage = begin("""<form action="/pay?x=1" method=post><input name=action value=/nice><input name=method>
    <input name=innerText><input name=parentNode><input name=getAttribute><input name=elements><input name=childNodes>
    <p>Total 500 EUR</p><button>Pay</button><button formaction=/other formmethod=get>Else</button></form>
    <img name=elementFromPoint><img name=body><form name=activeElement></form>""")
    pay = only(stage, "Pay")
    assert pay.form is not None and (pay.form.method, pay.form.action) == ("POST", "http://stage.test/pay?x=1")
    assert "500 EUR" in pay.form.text
    other = only(stage, "Else")
    assert other.form is not None and (other.form.method, other.form.action) == ("GET", "http://stage.test/other")
    hit = stage.actuator.target(Click(at=pay.rect.centre), stage.actuator.observe())
    assert hit.node is not None and hit.node.name == "Pay" and hit.destination == "http://stage.test/pay?x=1"


def test_a_page_cannot_change_what_is_read(begin: Begin) -> None:
    stage = begin("""<button>Buy for 900 EUR</button><script>
    Element.prototype.getAttribute = () => 'Cancel'; Document.prototype.elementFromPoint = () => null;
    Object.defineProperty(Node.prototype, 'childNodes', { get: () => [] });
    Element.prototype.getBoundingClientRect = () => ({ left: 0, top: 0, right: 0, bottom: 0 });
    window.getComputedStyle = () => ({ display: 'none' }); WeakMap.prototype.get = () => 'x';
    </script>""")
    assert only(stage, "Buy for 900 EUR").role == "button"
    assert (
        stage.page.evaluate("typeof deskhand + Object.keys(window).filter(k => /PREFIX|deskhand/.test(k))")
        == "undefined"
    )


def test_shadow_roots_open_and_closed_are_seen_and_hit(begin: Begin) -> None:
    stage = begin("""<x-open></x-open><div id=c></div><x-slot><b>light</b></x-slot><script>
    const put = (host, mode, html) => { const r = host.attachShadow({ mode }); r.innerHTML = html; return r; };
    put(document.querySelector('x-open'), 'open', '<button>Open</button><input aria-label=Field>');
    const r = put(c, 'closed', '<form action=/deep method=post><button>Closed</button></form><div id=n></div>');
    put(r.getElementById('n'), 'closed', '<button>Deeper</button><input aria-label=Inside>');
    put(document.querySelector('x-slot'), 'open', '<p>before <slot></slot> after</p>');
    </script>""")
    stage.actuator.observe()
    seen = stage.actuator.observe()
    names = [node.name for node in seen.nodes]
    assert names == ["Open", "Field", "Closed", "Deeper", "Inside", "before light after"]
    for name in ("Open", "Closed", "Deeper", "Inside"):
        hit = stage.actuator.target(Click(at=only(stage, name).rect.centre), seen)
        assert hit.node is not None and hit.node.name == name
    assert stage.actuator.target(Click(at=only(stage, "Closed").rect.centre), seen).destination.endswith("/deep")
    at = only(stage, "Inside").rect.centre
    stage.page.mouse.click(at.x, at.y)
    focus = stage.actuator.target(TypeText(text="x"), seen)
    assert focus.node is not None and focus.node.name == "Inside"


FRAMES = {
    "/": """<h1>Top</h1><style>iframe,div{position:absolute;width:300px}</style>
    <iframe src=/same style="top:60px;height:90px;border:7px solid;padding:5px"></iframe>
    <iframe src="http://other.test/in" style="top:200px;height:200px"></iframe>
    <div style="left:150px;top:250px;height:40px;background:#fcc">Cover</div>""",
    "/same": "<p>Same words</p><button>Same</button>",
    "//other.test/in": """<button>Other</button><p style="position:absolute;top:55px;left:200px;margin:0">Covered</p>
    <iframe src="http://third.test/in" style="position:absolute;top:100px;width:200px;height:60px"></iframe>""",
    "//third.test/in": "<input aria-label=Third type=password>",
}


def test_frames_of_the_same_and_of_other_sites_are_seen_and_hit(begin: Begin) -> None:
    stage = begin(FRAMES)
    seen = stage.actuator.observe()
    told = {node.name: node for node in seen.nodes}
    assert [node.name for node in seen.nodes] == ["Top", "Same words", "Same", "Other", "Third", "Cover"]
    assert told["Same"].origin == "http://stage.test" and told["Other"].origin == "http://other.test"
    assert told["Third"].origin == "http://third.test"
    for name in ("Same", "Other", "Third"):
        hit = stage.actuator.target(Click(at=told[name].rect.centre), seen)
        assert hit.node is not None and (hit.node.id, hit.origin) == (told[name].id, told[name].origin)
        assert hit.node.rect == told[name].rect
    at = told["Third"].rect.centre
    stage.page.mouse.click(at.x, at.y)
    focus = stage.actuator.target(TypeText(text="x"), seen)
    assert focus.node is not None and focus.node.id == told["Third"].id and focus.secret_field


def test_ids_stay_with_elements_and_are_never_used_again(begin: Begin) -> None:
    stage = begin({"/": "<button>A</button><p>x</p><button>B</button>", "/two": "<button>A</button>"})
    first = only(stage, "B").id
    stage.page.evaluate("document.querySelector('p').remove()")
    assert only(stage, "B").id == first
    old = {node.id for node in stage.actuator.observe().nodes}
    stage.actuator.open("http://stage.test/two")
    assert old.isdisjoint({node.id for node in stage.actuator.observe().nodes})


def test_things_without_words_are_told_by_their_pixels(begin: Begin) -> None:
    stage = begin("<canvas id=c width=200 height=100 style='border:1px solid'></canvas><p id=p>words</p>")
    seen = stage.actuator.observe()
    at = next(node for node in seen.nodes if node.role == "canvas").rect.centre
    before = stage.actuator.target(Click(at=at), seen)
    assert before.region is not None and before.region.contains(at) and len(before.region_digest) == 64
    assert stage.actuator.target(Click(at=at), seen).digest == before.digest
    stage.page.evaluate("c.getContext('2d').fillRect(90, 40, 10, 10)")
    assert stage.actuator.target(Click(at=at), seen).digest != before.digest
    assert stage.actuator.target(Click(at=only(stage, "words").rect.centre), seen).region is None


def test_a_pane_that_scrolls_says_that_there_is_more(begin: Begin) -> None:
    stage = begin(
        "<body style='margin:0'><div id=d style='height:100vh;overflow:auto'><p style='height:3000px'>x</div>"
    )
    assert stage.actuator.observe().more == ("below",)
    stage.page.evaluate("d.scrollTop = 500")
    assert stage.actuator.observe().more == ("above", "below")


def test_a_long_page_is_read_where_it_is_seen(begin: Begin) -> None:
    rows = "".join(f"<div><p>Row {n}</p><a href=/{n}>Link {n}</a></div>" for n in range(1000))
    fixed = "<footer>Far down<section style='position:fixed;top:0;right:0;width:90px;height:40px;background:#fcc'>"
    stage = begin(f"{rows}{fixed}<button>Fixed</button></section></footer>")
    stage.page.evaluate("scrollTo(0, 20000)")
    seen = stage.actuator.observe()
    names = [node.name for node in seen.nodes]
    top = next(int(name.split()[1]) for name in names if name.startswith("Row"))
    assert 200 < top < 900 and names[-1] == "Fixed" and 10 < len(names) < 40
    assert seen.more == ("above", "below")
