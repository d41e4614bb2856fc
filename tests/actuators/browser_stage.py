"""A page for the conformance kit, and a small server-less way to show pages to a browser."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from contract.actuator import Vault
from contract.mint import Mint
from playwright.sync_api import BrowserContext, Error, Page, Route

from actuators.browser import BrowserActuator
from sandboxes.chromium import Chromium

ORIGIN = "http://stage.test"

STAGE = """<!doctype html><title>Stage</title><style>
body { margin: 10px; height: 1400px; position: relative; font: 14px sans-serif }
#dodge { position: absolute; left: 10px; top: 200px } #bottom { position: absolute; top: 1300px }
#parcel, #bin { position: absolute; top: 240px; width: 60px; height: 30px; background: #ddd }
#parcel { left: 10px } #bin { left: 200px } p { position: absolute; left: 10px }
</style>
<form method=post action="/save">
<label>Name <input id=name></label><br><label>Notes <textarea id=notes rows=2></textarea></label><br>
<label>Password <input id=password type=password></label><br>
<label><input type=checkbox id=agree><span id=agreetext>Agree</span></label><br>
<button id=save>Save</button> <button type=button id=fickle>Fickle</button></form>
<button id=dodge>Dodge</button>
<div id=parcel tabindex=0 role=button>Parcel</div><div id=bin tabindex=0 role=button>Bin</div>
<p style="top:290px"><input readonly aria-label=Saved id=saved></p>
<p style="top:320px"><input readonly aria-label=Dropped id=dropped></p>
<p id=bottom>Bottom</p>
<script>
const by = (id) => document.getElementById(id);
let count = 0, dragged = null;
by('saved').show = (text) => { by('saved').value = text; };
document.forms[0].onsubmit = (e) => {
  e.preventDefault();
  count += 1;
  by('saved').show(by('name').value + ' ' + count);
};
by('dodge').onmouseenter = () => { by('dodge').style.top = '420px'; };
by('dodge').onclick = () => { by('saved').show('dodge'); };
by('fickle').onmouseenter = () => { by('fickle').textContent = 'Buy now'; };
by('parcel').onmousedown = (e) => { dragged = by('parcel'); e.preventDefault(); };
addEventListener('mouseup', (e) => {
  const onto = document.elementFromPoint(e.clientX, e.clientY);
  if (dragged && onto !== dragged) by('dropped').value = `${dragged.innerText} in ${onto.innerText}`;
  dragged = null;
});
const names = { Name: 'name', Notes: 'notes', Password: 'password' };
function inner(name) { return by(names[name] || 'name').value; }
function rename(name, to) {
  if (name === 'Agree') by('agreetext').textContent = to;
  else by(names[name]).setAttribute('aria-label', to);
}
</script>"""


@dataclass
class BrowserStage:
    """See `contract.actuator.Stage`."""

    actuator: BrowserActuator
    mint: Mint
    page: Page
    context: BrowserContext
    dead: bool = False

    def inner(self, name: str) -> str:
        return str(self.page.evaluate("name => inner(name)", name))

    def rename(self, name: str, to: str) -> None:
        self.page.evaluate("([name, to]) => rename(name, to)", [name, to])

    def die(self, during_act: bool = False) -> None:
        self.dead = True
        if during_act:
            self.page.evaluate("addEventListener('mousedown', () => { for (;;); })")
            return
        crashed: list[Page] = []
        self.page.on("crash", lambda page: crashed.append(page))
        with suppress(Error):
            self.context.new_cdp_session(self.page).send("Page.crash", timeout=300)  # is never answered
        until = time.monotonic() + 10
        while not crashed and time.monotonic() < until:
            self.context.cookies()  # lets the news of the crash through
            time.sleep(0.02)

    def show(self, pages: Mapping[str, str] | str, path: str = "/") -> None:
        """Serve pages by path, or one page, and open it."""
        serve(self.context, pages)
        self.actuator.open(ORIGIN + path)


def serve(context: BrowserContext, pages: Mapping[str, str] | str) -> None:
    known = {"/": pages} if isinstance(pages, str) else pages

    def answer(route: Route) -> None:
        path = "/" + route.request.url.split("://", 1)[1].partition("/")[2].partition("?")[0]
        host = route.request.url.split("://", 1)[1].partition("/")[0]
        body = known.get(f"//{host}{path}", known.get(path))
        if body is None:
            route.fulfill(status=404, body="not here")
        else:
            route.fulfill(body=body, content_type="text/html; charset=utf-8")

    context.route("**/*.test/**", answer)


class Stages:
    """Makes stages; contexts cost a third of a second, so one is used again for each scale."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._contexts: dict[float, BrowserContext] = {}

    def start(
        self, pages: Mapping[str, str] | str = STAGE, *, scale: float = 1.0, bound_s: float = 3.0, **given: Any
    ) -> BrowserStage:
        """A new page with an actuator on it."""
        mint = Mint()
        if scale not in self._contexts:
            self._contexts[scale] = self._chromium.new_context(scale=scale)
        context = self._contexts[scale]
        page = context.new_page()
        actuator = BrowserActuator(context, mint.verifier(), Vault(), scale, bound_s=bound_s, **given)
        stage = BrowserStage(actuator, mint, page, context)
        stage.show(pages)
        return stage

    def end(self, stage: BrowserStage) -> None:
        """Leave the context as it was, or give it up when its page has died."""
        stage.actuator.close()
        if stage.dead:
            self._contexts = {scale: one for scale, one in self._contexts.items() if one is not stage.context}
            stage.context.close()
            return
        stage.context.unroute_all()
        stage.context.clear_cookies()
        for page in stage.context.pages:
            page.close()
