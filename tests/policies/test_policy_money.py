from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.observation import money_like
from policies.money import Amounts, Money, amounts, parse_money, totals


def eur(*minor: int) -> Amounts:
    return Amounts(tuple(Money(one, "EUR") for one in minor))


UNCLEAR = Amounts(unclear=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", Amounts()),
        ("89", Amounts()),
        ("0.\u202f\u202f\u202f\u202f€", UNCLEAR),
        ("0" + " " * 24 + "€", UNCLEAR),
        ("14 December 2026", Amounts()),
        ("Pay 89.00 EUR", eur(8900)),
        ("€89", eur(8900)),
        ("89 €", eur(8900)),
        ("89,00 €", eur(8900)),
        ("89,5 €", eur(8950)),
        ("EUR89", eur(8900)),
        ("89EUR", eur(8900)),
        ("89 eur", eur(8900)),
        ("89 Euro", eur(8900)),
        ("1.234,56 €", eur(123456)),
        ("1,234.56 EUR", eur(123456)),
        ("1 234,56 €", eur(123456)),
        ("1\u202f234,56\u00a0€", eur(123456)),
        ("12.345.678 EUR", eur(1234567800)),
        ("1.234 €", eur(123400)),
        ("€1,234", eur(123400)),
        ("89,- €", eur(8900)),
        ("89.– €", eur(8900)),
        ("CHF 1'234.50", Amounts((Money(123450, "CHF"),))),
        ("CHF 1’234.50", Amounts((Money(123450, "CHF"),))),
        ("$1,234.56", Amounts((Money(123456, "USD"),))),
        ("US$ 5", Amounts((Money(500, "USD"),))),
        ("£5.99", Amounts((Money(599, "GBP"),))),
        ("¥1,234", Amounts((Money(1234, "JPY"),))),
        ("1234 JPY", Amounts((Money(1234, "JPY"),))),
        ("0.00 EUR", eur(0)),
        ("€89.00 EUR", eur(8900)),
        ("12 EUR 15 EUR", eur(1200, 1500)),
        ("EUR 12 EUR 15", eur(1200, 1500)),
        ("2 89.00 EUR", eur(8900)),
        ("89.00 EUR, 2 passengers", eur(8900)),
        ("2\n€89.00", eur(8900)),
        ("٨٩ EUR", eur(8900)),
        ("8\u200b9 EUR", eur(8900)),
        ("Seat 12A, extra legroom, 15.00 EUR", eur(1500)),
        # what cannot be read is told, never passed over
        ("2 EUR 89", UNCLEAR),
        ("0.123 EUR", UNCLEAR),
        ("89.00\n€", UNCLEAR),
        ("5.EUR", UNCLEAR),
        ("12.345.67 EUR", UNCLEAR),
        ("1,23,456.00 INR", UNCLEAR),
        ("$89 CAD", UNCLEAR),
        ("A$5", UNCLEAR),
        ("100 kr", UNCLEAR),
        ("50 zł", UNCLEAR),
        ("12.50 JPY", UNCLEAR),
        ("9999999999999999 EUR", UNCLEAR),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, said: Amounts) -> None:
    assert amounts(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", Amounts()),
        ("Total: 89.00 EUR", eur(8900)),
        ("Total\n89.00 EUR", eur(8900)),
        ("TOTAL EUR 89", eur(8900)),
        ("Subtotal 70.00 EUR", Amounts()),
        ("Sub-total 70.00 EUR", Amounts()),
        ("Zwischensumme 70,00 EUR", Amounts()),
        ("Fare 70 EUR Taxes 19 EUR Total (2 passengers): 89.00 EUR", eur(8900)),
        ("Total 89.00 EUR You save 20.00 EUR", eur(8900)),
        ("Total 89 EUR ... Total 98 EUR", eur(8900, 9800)),
        ("Gesamtbetrag 1.234,56 €", eur(123456)),
        ("Summe: 89,00 €", eur(8900)),
        ("Montant : 89,00 €", eur(8900)),
        ("Importe total 89,00 €", eur(8900)),
        ("Totale 89,00 €", eur(8900)),
        ("Total 489.00", UNCLEAR),
        ("Total passengers 2", Amounts()),
        ("Totally free", Amounts()),
    ],
)
def test_totals_are_read_and_subtotals_are_not(text: str, said: Amounts) -> None:
    assert totals(text) == said


def grouped(whole: int, mark: str) -> str:
    return f"{whole:,}".replace(",", mark)


WRITINGS = [
    lambda w, c: f"{w}.{c:02d} EUR",
    lambda w, c: f"{w},{c:02d} €",
    lambda w, c: f"€{grouped(w, ',')}.{c:02d}",
    lambda w, c: f"{grouped(w, '.')},{c:02d} EUR",
    lambda w, c: f"EUR {grouped(w, chr(39))}.{c:02d}",
    lambda w, c: f"{grouped(w, chr(0x202F))},{c:02d} €",
    lambda w, c: f"{grouped(w, ' ')},{c:02d} €",
]


@settings(deadline=None)
@given(st.integers(0, 9_999_999), st.integers(0, 99), st.sampled_from(WRITINGS))
def test_what_is_written_is_read_back(whole, cents, written) -> None:  # type: ignore[no-untyped-def]
    assert amounts(f"Pay {written(whole, cents)} now").single == Money(whole * 100 + cents, "EUR")


@settings(deadline=None)
@given(st.integers(0, 10**12), st.sampled_from(["EUR", "USD", "CHF", "JPY"]))
def test_an_amount_reads_its_own_writing(minor: int, currency: str) -> None:
    assert parse_money(str(Money(minor, currency))) == Money(minor, currency)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    amounts(text)
    totals(text)


PIECES = [*"0123456789.,' -€$x\u202f\n", "EUR", "CHF", "kr", "Total "]


@settings(deadline=None, max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_what_looks_like_money_is_read_or_told_to_be_unclear(text: str) -> None:
    if money_like(text):
        said = amounts(text)
        assert said.unclear or said.found


@pytest.mark.parametrize("text", ["1" * 30_000, "1.111." * 5_000, "4 1 1 1 " * 4_000, "total 1.00 " * 3_000])
def test_a_hostile_text_is_read_in_linear_time(text: str) -> None:
    began = time.monotonic()
    amounts(text)
    totals(text)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("text", ["", "500", "EUR", "500 EUR please", "500 EUR 600 EUR", "five EUR", "-5 EUR"])
def test_a_limit_must_be_exactly_one_amount(text: str) -> None:
    with pytest.raises(ValueError, match="expected an amount"):
        parse_money(text)


def test_several_different_amounts_are_none() -> None:
    assert amounts("89 EUR or 98 EUR").single is None
    assert amounts("89 EUR or 89.00 EUR").single == Money(8900, "EUR")
