"""Templates: what they write, and what they never let through."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.money import Money
from agent.template import TemplateProblem, plain_problem, render, secrets_in, shown, template_problems

VALUES = {
    "who": "Ada King Lovelace",
    "one": "Ada",
    "day": date(2026, 3, 4),
    "most": Money(50_000, "EUR"),
    "count": 3,
    "direct": True,
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("no template", "no template"),
        ("{{who}}", "Ada King Lovelace"),
        ("a {{ who }} b {{one}}", "a Ada King Lovelace b Ada"),
        ("{{who|first_word}}", "Ada"),
        ("{{who|rest}}", "King Lovelace"),
        ("{{who|rest|first_word|upper}}", "KING"),
        ("{{who|lower}}", "ada king lovelace"),
        ("{{day}}", "2026-03-04"),
        ("{{day|%d %B %Y}}", "04 March 2026"),
        ("{{day|%-d %b %y}}", "4 Mar 26"),
        ("{{day|%A, %a %m %-m %%}}", "Wednesday, Wed 03 3 %"),
        ("{{day|day}}.{{day|month}}.{{day|year}}", "4.3.2026"),
        ("{{day|month_name|upper}}", "MARCH"),
        ("{{day|weekday}}", "Wednesday"),
        ("{{most}} {{count}} {{direct}}", "500.00 EUR 3 yes"),
        ("{{card}}", "<secret:card>"),
        ("a }} b { c }", "a }} b { c }"),
    ],
)
def test_slots_are_filled_in(text: str, filled: str) -> None:
    assert render(text, VALUES, ["card"]) == filled


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{whom}}", "unknown name `whom` in a template, expected one of `who`, `one`, `day`, `most`, `count`, `direct`, `card`; did you mean `who`?"),
        ("{{one|rest}}", "`{{one|rest}}` is empty for `Ada`"),
        ("{{who|day}}", "the filter `day` needs a date, `who` is no date here"),
        ("{{day|%H}}", "unknown date format `%H`, expected some of %d %-d %m %-m %B %b %Y %y %A %a %%"),
        ("{{day|%}}", "unknown date format `%`, expected some of %d %-d %m %-m %B %b %Y %y %A %a %%"),
        ("{{who|shout}}", "unknown filter `shout`, expected one of `first_word`, `rest`, `upper`, `lower`, `day`, `month`, `month_name`, `year`, `weekday`"),
        ("{{card|upper}}", "unknown name `card` in a template, expected one of `who`, `one`, `day`, `most`, `count`, `direct`, `card`; did you mean `card`?"),
        ("{{Who}}", "`{{Who}}` is no template, expected `{{name}}` or `{{name|filter}}`"),
        ("{{who", "`{{` without `}}`"),
    ],
)  # fmt: skip
def test_a_slot_that_cannot_be_filled_in_is_refused(text: str, problem: str) -> None:
    with pytest.raises(TemplateProblem) as caught:
        render(text, VALUES, ["card"])
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    "value",
    ["a\nb", "a\rb", "a\x85b", "a\u2028b", "a\u2029b", "a\x00b", "a\tb", "a\x1b[2Jb", "a\u202eb", "a\u200bb", "a\U000e0041b",
     "<secret:card>", "<SECRET:card>", "< secret :card>", "＜secret：card＞", "<se\u00adcret:card>", "x" * 501],
)  # fmt: skip
def test_values_that_hide_something_are_refused(value: str) -> None:
    assert plain_problem(value)
    with pytest.raises(TemplateProblem):
        render("type {{v}} here", {"v": value}, ["card"])


@pytest.mark.parametrize(
    "value", ["Zürich", "São Paulo", "O'Neill-Šárka", "北京", "a {{b}} c", "می\u200cخواهم", "👩\u200d🚀", "50 % <b>"]
)
def test_ordinary_words_of_any_language_go_through(value: str) -> None:
    assert not plain_problem(value)
    assert render("type {{v}} here", {"v": value, "b": "x"}) == f"type {value} here"


@given(st.text(max_size=60))
def test_no_value_ever_begins_a_second_line_or_names_a_secret(value: str) -> None:
    try:
        text = render("type {{v}} into the From field", {"v": value}, ["card"])
    except TemplateProblem:
        return
    assert text == f"type {value} into the From field"
    assert len(text.splitlines()) == 1
    assert not secrets_in(text)
    assert not any(unicodedata.category(character) == "Cc" for character in text)


@given(st.text(max_size=80))
def test_reading_a_template_never_breaks_and_agrees_with_filling_it_in(text: str) -> None:
    problems = list(template_problems(text, {"who": "string", "day": "date"}, ["card"]))
    try:
        render(text, {"who": "Ada King", "day": date(2026, 3, 4)}, ["card"])
    except TemplateProblem:
        assert problems


@given(st.dates(min_value=date(1900, 1, 1)))
def test_dates_are_written_as_they_are_read(day: date) -> None:
    assert date.fromisoformat(shown(day)) == day
    assert render("{{d|%Y-%m-%d}}", {"d": day}) == day.isoformat()
