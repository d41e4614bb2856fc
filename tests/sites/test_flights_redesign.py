"""The airline's redesigns change what they are named for and nothing else."""

from __future__ import annotations

import re

from tasks.sites.flights.redesign import redesigned

PAGE = (
    '<html><body><main id="main" class="wide"><form action="/results">'
    '<label for="from">From</label><input id="from" name="from" value="From Zurich">'
    '<input type="hidden" name="csrf" value="t"><input type="hidden" name="draft" value="d">'
    "<button>Search flights</button></form></main></body></html>"
)


def test_labels_are_renamed_whole_and_what_is_sent_stays() -> None:
    now = redesigned(PAGE, "home", 374, frozenset({"renamed"}))
    assert now == PAGE.replace("Search flights", "Find flights")
    assert redesigned(PAGE, "home", 374, frozenset()) == PAGE


def test_a_moved_page_has_other_ids_and_each_label_still_has_its_field() -> None:
    now = redesigned(PAGE, "home", 3, frozenset({"moved"}))
    [mine] = re.findall(r'<label for="([^"]+)"', now)
    assert mine != "from" and f'id="{mine}"' in now and 'name="from"' in now
    assert now.count("<main") == now.count("</main>") == 1 and 'action="/results"' in now


def test_a_dialog_comes_on_one_page_and_can_be_put_away_or_cost_money() -> None:
    pages = ("home", "results", "seat", "passenger", "payment")
    for seed in range(20):
        shown = [page for page in pages if 'role="dialog"' in redesigned(PAGE, page, seed, frozenset({"dialog"}))]
        assert len(shown) == 1
        now = redesigned(PAGE, shown[0], seed, frozenset({"dialog"}))
        assert "data-away" in now and now.count('name="csrf"') == 2 and 'action="/voucher"' in now
