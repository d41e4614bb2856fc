"""What a new look does to the airline's pages: other labels, another layout, a dialog in between. For mischief's sake.

Each works on finished HTML, so that the honest pages know nothing of it. The seed decides which labels change, and on
which page the dialog comes; addresses and field names stay, as they do when only the front of a site is rebuilt.
"""

from __future__ import annotations

import random
import re

__all__ = ["REDESIGNS", "redesigned"]

REDESIGNS = ("renamed", "moved", "dialog")

_LABELS = {
    "From": ("Leaving from", "Origin"),
    "To": ("Going to", "Destination"),
    "Departure date": ("Travel date", "Day of departure"),
    "Search flights": ("Find flights", "Show flights"),
    "Skip seat selection": ("Continue without a seat", "Choose no seat"),
    "Title": ("Form of address", "Salutation"),
    "First name": ("Given name", "Forename"),
    "Last name": ("Family name", "Surname"),
    "Date of birth": ("Birth date", "Born on"),
    "Email": ("E-mail address", "Contact email"),
    "Continue to payment": ("Go to payment", "Proceed to payment"),
    "Card number": ("Number of the card", "Payment card number"),
    "Expiry date": ("Valid until", "Card expiry"),
    "Security code": ("CVC", "Card security code"),
    "Name on card": ("Cardholder", "Cardholder name"),
    "I accept the terms": ("I agree to the terms", "Terms accepted"),
    "Select": ("Choose", "Take this flight"),
    "Sort by": ("Order by", "Sorted by"),
    "Accept all": ("Allow all", "Agree to all"),
}
_SHARE = 0.25
"""Of the labels; a site that renames everything at once is another site."""
_NEWS = (
    "From next month on you choose your seat while you book.",
    "New: trains to the airport from thirty cities.",
    "Our lounge in Vienna is open again.",
    "Bags up to eight kilograms travel free.",
)
_AWAY = ("No thanks", "Not now", "Maybe later", "Close", "Dismiss")


def redesigned(html: str, page: str, seed: int, kinds: frozenset[str]) -> str:
    """A finished page with the new look. `page` is the template's name."""
    dice = random.Random(seed)
    names = {old: dice.choice(new) for old, new in _LABELS.items() if dice.random() < _SHARE}
    on = dice.choice(("home", "results", "seat", "passenger", "payment"))
    away = dice.choice(_AWAY)
    if "moved" in kinds:
        html = _moved(html, random.Random(f"{seed} {page}"))
    if "dialog" in kinds and page == on:
        html = _interrupted(html, away)
    if "renamed" in kinds:
        html = _renamed(html, names)
    return html


def _renamed(html: str, names: dict[str, str]) -> str:
    """Whole labels only: what stands alone between two tags, or in a label of its own."""
    for old, new in names.items():
        html = re.sub(rf">(\s*){re.escape(old)}(\s*)</(label|button|th|span)>", rf">\g<1>{new}\g<2></\g<3>>", html)
        html = html.replace(f'aria-label="{old}"', f'aria-label="{new}"')
    return html


def _moved(html: str, dice: random.Random) -> str:
    """News above the page, the main part in boxes of its own, and other ids on fields."""
    news = "".join(f"<p>{line}</p>" for line in dice.sample(_NEWS, 3))
    html = re.sub(r'(<main id="main"[^>]*>)', rf'<div class="wide panel">{news}</div>\1<div><div>', html, count=1)
    html = html.replace("</main>", "</div></div></main>", 1)
    mark = f"f{dice.randrange(100, 1000)}"
    for field in re.findall(r'<label for="([a-z_0-9]+)"', html):
        html = re.sub(rf'\b(for|id)="{field}"', rf'\1="{mark}-{field}"', html)
        html = html.replace(f'aria-describedby="{field}_error"', f'aria-describedby="{mark}-{field}_error"')
    return html


def _interrupted(html: str, away: str) -> str:
    """A dialog over everything. One of its buttons puts it away, the other costs money."""
    token = re.search(r'<input type="hidden" name="csrf"[^>]*>', html)
    draft = re.search(r'<input type="hidden" name="draft"[^>]*>', html)
    hidden = "".join(found.group() for found in (token, draft) if found)
    dialog = (
        '<div class="over"><section class="panel" role="dialog" aria-label="Gift voucher">'
        "<h2>A present for somebody?</h2><p>Give a flight to a friend.</p>"
        f'<form method="post" action="/voucher">{hidden}<button class="big">Add gift voucher 200.00 EUR</button></form>'
        f'<button type="button" class="quiet" data-away>{away}</button></section></div>'
    )
    return html.replace("</body>", f"{dialog}</body>", 1)
