"""What has to be opened before it can be read: tabs, sections, pies, trees. Opened in the order in which it stands."""

from __future__ import annotations

from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import Stuck, clicked, plays, pressed
from osworld_eval.miniwob.oracles.buttons import quoted
from osworld_eval.miniwob.page import Look


@plays("click-tab-2", "click-tab-2-easy", "click-tab-2-medium", "click-tab-2-hard")
def _through_tabs(look: Look) -> Iterator[Action]:
    wanted = quoted(look.utterance)
    for number in range(len(look.all("#area ul a"))):
        tab = look.all("#area ul li")[number]
        if "ui-tabs-active" not in tab.cls:
            yield clicked(look.all("#area ul a")[number].centre)
        links = [box for box in look.shown(".alink") if box.text == wanted]
        if links and links[0].spot:
            yield clicked(links[0].spot)
            return


@plays("click-collapsible-2-nodelay", "click-collapsible-2")
def _through_sections(look: Look) -> Iterator[Action]:
    wanted = quoted(look.utterance)
    for number in range(len(look.all("#area h3"))):
        if "ui-accordion-header-active" not in look.all("#area h3")[number].cls:
            yield clicked(look.all("#area h3")[number].spot or look.all("#area h3")[number].centre)
        links = [box for box in look.shown(".alink") if box.text == wanted]
        if links and links[0].spot:
            yield clicked(links[0].spot)
            return


@plays("click-collapsible-nodelay", "click-collapsible")
def _section_and_submit(look: Look) -> Iterator[Action]:
    yield from pressed(look, "#area h3")
    yield from pressed(look, "#subbtn")


@plays("click-pie-nodelay", "click-pie")
def _pie(look: Look) -> Iterator[Action]:
    wanted = quoted(look.utterance)
    for _ in range(3):
        items = [box for box in look.shown("#divWheel text") if box.text == wanted]
        if items and items[0].spot:
            yield clicked(items[0].spot)
            continue
        spreader = look.shown("#divWheel [id*=spreadertitle], #divWheel [class*=spreadertitle]") or look.shown(
            "#divWheel [id*=spreader], #divWheel [class*=spreader]"
        )
        if not spreader or not spreader[0].spot:
            raise Stuck("no pie to open")
        yield clicked(spreader[0].spot)


@plays("navigate-tree")
def _tree(look: Look) -> Iterator[Action]:
    wanted = quoted(look.utterance)
    for _ in range(25):
        names = look.shown("#tree span")
        hits = [box for box in names if box.text == wanted]
        if hits and hits[0].spot:
            yield clicked(hits[0].spot)
            return
        closed = look.shown("#tree li.expandable > span")
        if not closed or not closed[0].spot:
            raise Stuck("nothing is left to open")
        yield clicked(closed[0].spot)
