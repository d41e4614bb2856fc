"""From a good file to a bound task."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import jsonschema
import pytest

from agent.money import Money
from agent.plan import PlanStep
from agent.task import BoundTask, TaskError, load_task, task_schema
from agent.task_file import OutputCheck, SiteSpec, TextCheck, UrlCheck
from agent.yaml_lines import read_yaml
from policies.narrow import Narrow
from policies.secrets import SecretSpec, SecretStore

FILE = r"""
version: 1
name: demo
goal: |
  Find {{what}}
  by {{day|%d %B %Y}}.
surface: {browser: {start: 'site://flights/search?q={{what}}#x'}}
site: {name: flights, layout: cards}
inputs:
  what: {type: string}
  day: {type: date, default: 2026-12-14}
  most: {type: money, default: 9 EUR, max: 10 EUR}
  many: {type: int, default: 2}
  sure: {type: bool, default: false}
secrets:
  card: {env: CARD, origins: ["site://flights"], fields: [cc-number]}
policy: {preset: [booking, extra], narrow: {origins: ["site://flights/"], ask_above: 5 EUR}}
perception: pixels
steps:
  - type {{card}} and <secret:card>
  - {do: 'go {{many}}', when_shown: '{{what}}?', until: '{{day|day}}', acts: 3}
  - {do: stop, until: {kind: url, prefix: 'site://flights/r/{{what}}'}}
success:
  - {kind: text, pattern: 'for {{what}}$'}
  - {kind: url, prefix: 'site://flights/done', origin: 'site://flights'}
  - {kind: output, name: n}
outputs:
  n: {type: int, after: Count}
limits: {steps: 9, acts_per_step: 4}
"""
ENVIRON = {"CARD": "4242424242424242"}


def bound(tmp_path: Path, sets: dict[str, str] | None = None, text: str = FILE) -> BoundTask:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    return load_task(path, {"what": "a.b c", **(sets or {})}).bind(environ=ENVIRON)


def test_values_are_typed_and_filled_in(tmp_path: Path) -> None:
    task = bound(tmp_path)
    assert task.inputs == {
        "what": "a.b c",
        "day": date(2026, 12, 14),
        "most": Money(900, "EUR"),
        "many": 2,
        "sure": False,
    }
    assert task.shown_inputs()["most"] == "9.00 EUR"
    assert task.goal == "Find a.b c\nby 14 December 2026."
    assert task.browser.start == "site://flights/search?q=a.b%20c#x"
    assert task.success[0] == TextCheck(kind="text", pattern=r"for a\.b\ c$")
    assert task.success[2] == OutputCheck(kind="output", name="n")
    assert task.steps[:2] == (
        PlanStep("type <secret:card> and <secret:card>", acts=4, values=("<secret:card>",)),
        PlanStep("go 2", "a.b c?", "14", 3, ("2",)),
    )
    assert (task.policy.preset, task.perception, task.limits.steps) == (("booking", "extra"), "pixels", 9)
    assert task.plan().instruction == "type <secret:card> and <secret:card>"
    assert ENVIRON["CARD"] not in repr(task)


def test_the_sites_address_goes_everywhere_at_once(tmp_path: Path) -> None:
    task = bound(tmp_path)
    origin = "http://127.0.0.1:8123"
    there = task.with_origin(origin)
    assert (task.needs_site, there.needs_site) == (True, False)
    assert there.browser.start == origin + "/search?q=a.b%20c#x"
    assert there.policy.narrow.origins == there.secrets["card"].origins == (origin,)
    assert there.steps[2].until == UrlCheck(kind="url", prefix=origin + "/r/a.b%20c")
    assert there.success[1] == UrlCheck(kind="url", prefix=origin + "/done", origin=origin)
    assert "site://" not in repr(there)
    assert there.with_origin("http://elsewhere") == there


def test_no_value_reaches_into_another_part_of_an_address_or_pattern(tmp_path: Path) -> None:
    task = bound(tmp_path, {"what": "x/../?a=1#&b@evil.org .*"}).with_origin("http://127.0.0.1:1")
    assert task.browser.start == "http://127.0.0.1:1/search?q=x%2F..%2F%3Fa%3D1%23%26b%40evil.org%20.%2A#x"
    assert isinstance(task.success[0], TextCheck)
    assert task.success[0].pattern == r"for x/\.\./\?a=1\#\&b@evil\.org\ \.\*$"


@pytest.mark.parametrize(
    ("sets", "line"),
    [
        ({"day": "tomorrow"}, "11: --set day=...: `tomorrow` is not a date, expected one like 2026-12-14"),
        ({"most": "11 EUR"}, "12: --set most=...: 11.00 EUR is more than the largest allowed, 10.00 EUR"),
        ({"most": "9"}, "12: --set most=...: `9` is not an amount of money, expected one like `500 EUR` or `19.90 CHF`"),
        ({"many": "2.0"}, "13: --set many=...: `2.0` is not a whole number"),
        ({"sure": "si"}, "14: --set sure=...: `si` is not true or false"),
        ({"what": "a\nb"}, "10: --set what=...: the value holds the character U+000A, only visible characters on one line are allowed"),
        ({"what": " "}, "10: --set what=...: the value is empty"),
        ({"what": "<secret:card>"}, "10: --set what=...: the value must not name a secret"),
        ({"wat": "x"}, "9: --set wat=...: unknown input `wat`, expected one of `what`, `day`, `most`, `many`, `sure`; did you mean `what`?"),
        ({"card": "4242"}, "16: `card` is a secret and cannot be given with `--set`; it comes from the environment variable CARD"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_the_input_and_its_line(tmp_path: Path, sets: dict[str, str], line: str) -> None:
    with pytest.raises(TaskError) as caught:
        bound(tmp_path, sets)
    assert caught.value.lines == (f"{tmp_path}/x.yaml:{line}",)


def test_missing_inputs_and_secrets_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FILE + "# end\n")
    with pytest.raises(TaskError) as caught:
        load_task(path).bind(environ={"CARD": ""})
    assert caught.value.lines == (
        f"{path}:10: the input `what` has no value; give one with `--set what=...`",
        f"{path}:16: the secret `card` is not there; set the environment variable CARD, for example: export CARD=...",
    )


def test_a_secret_file_lies_beside_the_task(tmp_path: Path) -> None:
    text = FILE.replace("env: CARD", "file: card.txt")
    with pytest.raises(TaskError, match=r"the secret `card` is not there; put it into the file `card\.txt`"):
        bound(tmp_path, text=text)
    (tmp_path / "card.txt").write_text("4242")
    assert bound(tmp_path, text=text).secrets["card"].file == str(tmp_path / "card.txt")


def test_rows_of_a_table_bind_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FILE)
    task = load_task(path, {"what": "first", "many": "7"})
    rows = [task.bind({"what": name}, ENVIRON).inputs for name in ("second", "third")]
    assert [(row["what"], row["many"]) for row in rows] == [("second", 7), ("third", 7)]


def test_an_empty_part_of_a_value_is_refused_where_it_is_used(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        bound(tmp_path, {"what": "Ada"}, FILE.replace("type {{card}}", "type {{what|rest}}"))
    assert caught.value.lines == (f"{tmp_path}/x.yaml:20: `{{{{what|rest}}}}` is empty for `Ada`",)


def test_a_value_cannot_lead_out_of_a_folder(tmp_path: Path) -> None:
    text = FILE.replace("- {kind: output, name: n}", "- {kind: file, path: 'out/{{what}}'}")
    assert bound(tmp_path, {"what": "a.txt"}, text).success[2].kind == "file"
    for name in ("../x", "a/b", "..", "a\\b"):
        with pytest.raises(TaskError, match="cannot stand in a path"):
            bound(tmp_path, {"what": name}, text)


def test_site_settings_can_be_given_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FILE)
    task = load_task(path, {"what": "x"})
    site = (
        task.with_site({"seed": "11", "mischief": "price_jump,injection", "theme": "dark"}).bind(environ=ENVIRON).site
    )
    assert site == SiteSpec(name="flights", seed=11, layout="cards", theme="dark", mischief=("price_jump", "injection"))
    assert task.with_site({}) == task
    for settings, said in (
        (
            {"sed": "1"},
            "--site sed=...: unknown setting, expected one of `seed`, `layout`, `theme`, `mischief`; did you mean `seed`?",
        ),
        ({"seed": "x"}, "--site: `seed` must be a whole number, got `x`"),
        ({"layout": "../x"}, "--site: `layout`: `../x` does not look right"),
    ):
        with pytest.raises(TaskError) as caught:
            task.with_site(settings)
        assert caught.value.lines == (f"{path}: {said}",)


BOOK_FLIGHT = Path(__file__).resolve().parents[2] / "tasks" / "book_flight.yaml"
CARD = {"DEMO_CARD": "4242424242424242", "DEMO_CVC": "123"}


def test_book_flight_fits_the_schema_for_editors() -> None:
    schema = task_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(read_yaml(BOOK_FLIGHT.read_bytes()).value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(
            {"version": 1, "name": "x", "goal": "x", "surface": {"desktop": {}}}
        )


def test_book_flight_says_what_the_reference_plan_says() -> None:
    task = load_task(BOOK_FLIGHT, {"date": "2027-01-02", "passenger": "Grace Brewster Hopper"}).bind(environ=CARD)
    assert [step.do for step in task.steps] == [
        "press Accept all if it is shown",
        "type Zurich into the From field",
        "type Lisbon into the To field",
        "open the Departure date calendar",
        "press Next month until January 2027 is shown",
        "press 2 January 2027",
        "choose Economy in the Cabin list",
        "check Direct flights only",
        "press Search flights",
        'choose "Price: lowest first" in the Sort by list',
        "press the first Select button",
        "press Skip seat selection",
        "choose Ms in the Title list",
        "type Grace into the First name field",
        "type Brewster Hopper into the Last name field",
        "type ada@example.org into the Email field",
        "type 10.12.1990 into the Date of birth field",
        "press Continue to payment",
        "type <secret:card_number> into the Card number field",
        "type 12/29 into the Expiry date field",
        "type <secret:security_code> into the Security code field",
        "type Grace Brewster Hopper into the Name on card field",
        "check I accept the terms",
        "press the Pay button",
    ]
    assert task.policy.narrow.deny_above == Money(50_000, "EUR")
    assert task.outputs["total"].max == "500 EUR"


def test_the_policies_understand_what_a_bound_task_says() -> None:
    task = load_task(BOOK_FLIGHT).bind(environ=CARD).with_origin("http://127.0.0.1:8123")
    narrow = Narrow.model_validate(task.policy.narrow.model_dump(exclude_none=True))
    assert (narrow.origins, narrow.ask_above) == (("http://127.0.0.1:8123",), Money(25_000, "EUR"))
    specs = {name: SecretSpec.model_validate(spec.model_dump()) for name, spec in task.secrets.items()}
    assert repr(SecretStore.load(specs, CARD)) == "SecretStore(card_number, security_code)"


def test_every_key_of_book_flight_has_a_comment() -> None:
    lines = BOOK_FLIGHT.read_text().splitlines()
    for number, line in enumerate(lines):
        if line[:1].isalpha():
            assert "#" in line or lines[number - 1].startswith("#"), line


def test_a_step_knows_what_there_is_to_type(tmp_path: Path) -> None:
    steps = """
      - type {{what}} {{many}} into the Name field
      - 'choose "Price: lowest first" in the Sort by list'
      - press Search
    """
    head, _, rest = FILE.partition("steps:")
    after = rest[rest.index("success:") :]
    task = bound(tmp_path, text=f"{head}steps:{steps.rstrip()}\n{after}")
    assert [step.values for step in task.steps] == [("a.b c", "2", "a.b c 2"), ("Price: lowest first",), ()]
