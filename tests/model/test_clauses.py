"""Wishes of several acts and the single acts in them."""

import pytest

from model.protocols.clauses import clauses


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("Click on the Save button", ["Click on the Save button"]),
        (
            'Enter "Lina and click" into the text field and press Submit.',
            ['Enter "Lina and click" into the text field', "press Submit"],
        ),
        ("Select yE, 7kf, w and click Submit.", ["Select yE", "Select 7kf", "Select w", "click Submit"]),
        ("Select nothing and click Submit.", ["click Submit"]),
        ("Click button ONE, then click button TWO.", ["Click button ONE", "click button TWO"]),
        ("Select 01/24/2016 as the date and hit submit.", ["Select 01/24/2016 as the date", "hit submit"]),
        (
            "Find the email by Aida and click the trash icon to delete it.",
            ["Find the email by Aida", "click the trash icon to delete it"],
        ),
        ('Expand the sections below, to find and click on the link "a".', ['click on the link "a"']),
        ('Switch between the tabs to find and click on the link "a".', ['click on the link "a"']),
        (
            'Navigate through the file tree. Find and click on the folder named "Kasie".',
            ['click on the folder named "Kasie"'],
        ),
        ("Accept the terms and conditions", ["Accept the terms and conditions"]),
        ("Type it into the box. Press Submit when done.", ["Type it into the box", "Press Submit"]),
        ("Wait; then open Mail", ["Wait", "open Mail"]),
        ("Click Save and close", ["Click Save and close"]),
        ("Press Find and replace", ["Press Find and replace"]),
        (
            "the Edit button in the row of Ada, Countess of Lovelace",
            ["the Edit button in the row of Ada, Countess of Lovelace"],
        ),
    ],
)
def test_a_wish_is_cut_at_its_acts(said: str, parts: list[str]) -> None:
    assert clauses(said) == parts
