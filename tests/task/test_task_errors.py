"""Everything a person can get wrong in a task file, and the one line they are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.task import TaskError, load_task
from agent.yaml_lines import MAX_BYTES

HEAD = """\
version: 1
name: demo
goal: Do {{what}}
surface:
  browser: {start: "site://flights/"}
site: {name: flights}
inputs:
  what: {type: string, default: something}
  day: {type: date, default: 2026-12-14}
"""
"""Nine lines that are right; each case adds lines from the tenth on."""

SECRET = "secrets:\n  card: {env: CARD, origins: [site://flights]}\n"


def lines_of(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(TaskError) as caught:
        load_task(path)
    assert str(caught.value) == caught.value.lines[0]
    assert all("\n" not in line for line in caught.value.lines)
    return [line.removeprefix(f"{tmp_path}/") for line in caught.value.lines]


WHOLE_FILE = [
    ("", "x.yaml: the file is empty"),
    ("# only a comment\n", "x.yaml: the file is empty"),
    ("just text\n", "x.yaml:1: expected keys like `version:` and `goal:` at the top of the file"),
    ("\n- a\n- b\n", "x.yaml:2: expected keys like `version:` and `goal:` at the top of the file"),
    (b"a: \xff\n", "x.yaml:1: the file is not UTF-8 text"),
    ("a: 1\nb: \x07\n", "x.yaml:2: the character U+0007 is not allowed"),
    ("a:\n\tb: 1\n", "x.yaml:2: a tab in the indentation, use spaces"),
    ("a: 1\nb: 2\na: 3\n", "x.yaml:3: the key `a` is given twice, first on line 1"),
    ("a: {b: 1, b: 2}\n", "x.yaml:1: the key `b` is given twice, first on line 1"),
    ("a: 1\n12: x\n", "x.yaml:2: the key `12` is not text; if it is meant as text, put it in quotes"),
    ("[a, b]: x\n", "x.yaml:1: the key is not text; if it is meant as text, put it in quotes"),
    ("base: &b {x: 1}\nc:\n  <<: *b\n", "x.yaml:3: merge keys (`<<`) are not read, write the entries out"),
    (
        "a: !!python/object/apply:os.system [x]\n",
        "x.yaml:1: the tag `tag:yaml.org,2002:python/object/apply:os.system` is not read",
    ),
    ("a: !secret x\n", "x.yaml:1: the tag `!secret` is not read"),
    ("a: 1\n---\nb: 2\n", "x.yaml:2: not valid YAML: more than one document (`---`) in the file (column 1)"),
    ("a: 1\nb: 'open\nc: 2\n", "x.yaml:2: not valid YAML: a quote is opened and not closed (column 4)"),
    ("a: 1\nb: Total: 5\n", "x.yaml:2: not valid YAML: `: ` inside a text; put the text in quotes (column 9)"),
    ("a: [1, 2\nb: 3\n", "x.yaml:2: not valid YAML: expected `,` or `]` (column 2)"),
    ("a: {b: 1\nc: 3}\n", "x.yaml:2: not valid YAML: expected `,` or `}` (column 2)"),
    (
        "a: *nobody\n",
        "x.yaml:1: not valid YAML: an alias without its anchor; a text that begins with `*` must stand in quotes (column 4)",
    ),
    (
        'a: "\\d"\n',
        "x.yaml:1: not valid YAML: unknown `\\` escape in a quoted text; use single quotes for patterns (column 6)",
    ),
    ("a:\n    b: 1\n  c: 2\n", "x.yaml:3: not valid YAML: the indentation does not fit the lines above (column 3)"),
    ("a: {{name}} x\n", "x.yaml:1: not valid YAML: a text that begins with `{{` must stand in quotes (column 13)"),
    ("a: {{name}}\n", "x.yaml:1: a text that begins with `{{` must stand in quotes"),
    ("a:\t b\n", "x.yaml:1: not valid YAML: a tab where a value begins, use spaces (column 3)"),
    ("a: @b\n", "x.yaml:1: not valid YAML: a text that begins with this character must stand in quotes (column 4)"),
    ("a: * b\n", "x.yaml:1: not valid YAML: a text that begins with `*` or `&` must stand in quotes (column 5)"),
    ("a: > b\n", "x.yaml:1: not valid YAML: the text after `|` or `>` begins on the next line (column 6)"),
    ("  a: 1\nb: 2\n", "x.yaml:2: not valid YAML: the indentation does not fit the lines above (column 1)"),
    (
        "a: {b: [}\n",
        "x.yaml:1: not valid YAML: a value is missing, or a text with `?`, `:`, `,` or a bracket must stand in quotes (column 9)",
    ),
    ('a: "b" c\n', "x.yaml:1: not valid YAML: text after a closing quote; put the whole text in quotes (column 8)"),
    ('a: "\\ud800"\n', "x.yaml:1: a text holds half of a surrogate pair"),
    ("a: &a [*a]\n", "x.yaml:1: an alias leads back to itself, or values are nested too deep"),
    ("a: " + "[" * 60 + "]" * 60 + "\n", "x.yaml:1: nested more than 24 deep"),
    (b"#" * (MAX_BYTES + 1), f"x.yaml: the file is {MAX_BYTES + 1:,} bytes long, at most {MAX_BYTES:,} are read"),
]


@pytest.mark.parametrize(("text", "line"), WHOLE_FILE)
def test_a_file_that_is_not_small_yaml_is_named_in_one_line(tmp_path: Path, text: str | bytes, line: str) -> None:
    assert lines_of(tmp_path, text) == [line]


def test_a_bomb_of_aliases_is_stopped_by_counting(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    [line] = lines_of(tmp_path, bomb)
    assert line.endswith("more than 10,000 values, aliases counted each time they are used")


AFTER_HEAD = [
    ("sucess: []", "10: unknown key `sucess`, expected one of `version`, `name`, `goal`, `surface`, `site`, `inputs`, "
     "`secrets`, `policy`, `perception`, `steps`, `success`, `reconcile`, `outputs`, `limits`; did you mean `success`?"),
    ("limits: {step: 3}", "10: unknown key `step`, expected one of `steps`, `minutes`, `acts_per_step`; did you mean `steps`?"),
    ("limits: [3]", "10: `limits` must be a mapping, got a list"),
    ("limits:\n  steps: many", "11: `steps` of `limits` must be a whole number, got `many`"),
    ("limits:\n  steps: 0", "11: `steps` of `limits` must be at least 1, got the number 0"),
    ("limits:\n  minutes: 99999", "11: `minutes` of `limits` must be at most 1440, got the number 99999"),
    ("perception: eyes", "10: `perception` is `eyes`, expected one of `pixels`, `both`"),
    ("steps: press it", "10: `steps` must be a list, got `press it`"),
    ("steps:", "10: `steps` must be a list, got nothing"),
    ("steps:\n  - ok\n  - 12", "12: item 2 of `steps` must be a mapping, got the number 12"),
    ("steps:\n  - {when_shown: x}", "11: the key `do` is missing in item 1 of `steps`"),
    ("steps:\n  - do: x\n    untill: y", "12: unknown key `untill`, expected one of `do`, `when_shown`, `until`, `acts`; did you mean `until`?"),
    ("steps:\n  - do: x\n    acts: 0", "12: `acts` of item 1 of `steps` must be at least 1, got the number 0"),
    ("steps:\n  - do: x\n    until: {kind: txt}", "12: unknown kind `txt`, expected one of `text`, `url`, `node`, `file`, `output`; did you mean `text`?"),
    ("steps:\n  - do: x\n    until: {kind: file, path: y}", "12: `until` looks at the screen: a text, or a check of kind text, url or node"),
    ("steps:\n  - |\n    one\n    two", "11: item 1 of `steps`: must be a single line; write one item per line, each after its own `- `"),
    ("steps:\n  - ''", "11: item 1 of `steps` must not be empty, got an empty text"),
    ("steps:\n  - type {{wat}}", "11: unknown name `wat` in a template, expected one of `what`, `day`; did you mean `what`?"),
    ("steps:\n  - type {{what|uper}}", "11: unknown filter `uper`, expected one of `first_word`, `rest`, `upper`, `lower`, "
     "`day`, `month`, `month_name`, `year`, `weekday`; did you mean `upper`?"),
    ("steps:\n  - type {{what|%d}}", "11: the filter `%d` needs a date, `what` is no date here"),
    ("steps:\n  - type {{day|upper|day}}", "11: the filter `day` needs a date, `day` is no date here"),
    ("steps:\n  - type {{day|%Q}}", "11: unknown date format `%Q`, expected some of %d %-d %m %-m %B %b %Y %y %A %a %%"),
    ("steps:\n  - type {{what", "11: `{{` without `}}`"),
    ("steps:\n  - type {{ }}", "11: `{{ }}` is no template, expected `{{name}}` or `{{name|filter}}`"),
    ("steps:\n  - type <secret:pin>", "11: unknown secret `pin`"),
    ("steps:\n  - 'go \u200bon'", "11: the text holds the invisible character U+200B"),
    (SECRET + "steps:\n  - type <secret:crd>", "13: unknown secret `crd`, expected `card`; did you mean `card`?"),
    (SECRET + "steps:\n  - type {{card|upper}}", "13: a secret takes no filter, write `{{card}}`"),
    (SECRET + "success:\n  - {kind: text, contains: '{{card}}'}", "13: the secret `card` can only stand in `goal` or in what a step does"),
    ("secrets:\n  what: {env: X, origins: [site://flights]}", "11: `what` is an input and a secret, rename one of them"),
    ("secrets:\n  pin: {env: X}", "11: `pin` of `secrets`: a secret must be bound to `origins` or `apps`"),
    ("secrets:\n  pin: {env: X, file: y, apps: [a]}", "11: `pin` of `secrets`: a secret comes from exactly one of `env`, `file` and `keyring`"),
    ("secrets:\n  pin: {env: X, apps: [a], default: 123}", "11: unknown key `default`, expected one of `env`, `file`, `keyring`, `totp`, `origins`, `apps`, `fields`"),
    ("secrets:\n  pin: {env: 'X Y', apps: [a]}", "11: `env` of `pin` of `secrets`: `X Y` does not look right, expected the name of an environment variable like `DEMO_CARD`"),
    ("secrets:\n  pin: {env: X, origins: [example.org]}", "11: item 1 of `origins` of `pin` of `secrets`: `example.org` is not an origin, expected one like `https://example.org` or `site://flights`"),
    ("secrets:\n  pin: {env: X, origins: ['https://a.org/b']}", "11: item 1 of `origins` of `pin` of `secrets`: `https://a.org/b` is not an origin, expected one like `https://example.org` or `site://flights`"),
    ("policy: {preset: booking, allow: all}", "10: unknown key `allow`, expected one of `preset`, `narrow`"),
    ("policy:\n  narrow:\n    deny_above: 500", "12: `deny_above` of `narrow` of `policy`: `500` is not an amount of money, expected one like `500 EUR`"),
    ("policy:\n  narrow:\n    deny_above: 1.500,00 EUR", "12: `deny_above` of `narrow` of `policy`: `1.500,00 EUR` is not an amount of money, expected one like `500 EUR` or `19.90 CHF`"),
    ("policy:\n  narrow: {ask_above: 9 EUR, deny_above: 5 EUR}", "11: `narrow` of `policy`: `ask_above` must not be more than `deny_above`"),
    ("policy:\n  narrow: {ask_above: 9 CHF, deny_above: 5 EUR}", "11: `narrow` of `policy`: `ask_above` and `deny_above` must name the same currency"),
    ("policy:\n  narrow: {consequences: [look, bye]}", "11: item 2 of `consequences` of `narrow` of `policy` is `bye`, expected one of `look`, `move`, `edit`, `submit`, `send`, `buy`, `delete`, `reveal`; did you mean `buy`?"),
    ("policy:\n  narrow: {origins: [site://hotels]}", "11: `site://hotels` is not the task's site, expected `site://flights`"),
    ("policy:\n  narrow: {max_buys: true}", "11: `max_buys` of `narrow` of `policy` must be a whole number, got `true`"),
    ("success:\n  - {contains: x}", "11: item 1 of `success` needs a `kind`: text, url, node, file or output"),
    ("success:\n  - confirmed", "11: item 1 of `success` must be a mapping, got `confirmed`"),
    ("success:\n  - {kind: text}", "11: item 1 of `success`: a text check needs exactly one of `contains`, `absent`, `pattern`"),
    ("success:\n  - {kind: text, contains: 5}", "11: `contains` of item 1 of `success` must be text, got the number 5"),
    ("success:\n  - {kind: text, has: x}", "11: unknown key `has`, expected one of `kind`, `contains`, `absent`, `pattern`, `origin`"),
    ("success:\n  - {kind: text, pattern: '['}", "11: `pattern` of item 1 of `success`: `[` is not a regular expression: unterminated character set at position 0"),
    ("success:\n  - {kind: url}", "11: item 1 of `success`: a url check needs `prefix`, `pattern` or `origin`"),
    ("success:\n  - {kind: node, checked: true}", "11: item 1 of `success`: a node check needs `role` or `name`"),
    ("success:\n  - {kind: file, path: x, sha256: abc}", "11: `sha256` of item 1 of `success`: `abc` does not look right, expected 64 hexadecimal digits in lower case"),
    ("success:\n  - {kind: output, name: totl}\noutputs:\n  total: {type: money}", "11: unknown output `totl`, expected `total`; did you mean `total`?"),
    ("outputs:\n  n: {type: string}", "11: `n` of `outputs`: an output of type string needs `pattern` or `after` to be found by"),
    ("outputs:\n  n: {type: money, max: 5}", "11: `max` of `n`: `5` is not text; put it in quotes: \"5\""),
    ("outputs:\n  n: {type: string, after: x, max: 5}", "11: `max` needs a type that has an order: int, date or money"),
    ("outputs:\n  n: {type: number, after: x}", "11: `type` of `n` of `outputs` is `number`, expected one of `string`, `money`, `int`, `date`"),
    ("outputs:\n  Total: {type: money}", "11: `Total` is no name, expected lower-case letters, digits and `_`, beginning with a letter"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), AFTER_HEAD)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    told = lines_of(tmp_path, HEAD + text + "\n")
    assert told == [f"x.yaml:{line}"]


INPUTS = [
    ("{type: text}", "`type` of `a` of `inputs` is `text`, expected one of `string`, `int`, `date`, `money`, `choice`, `bool`"),
    ("{default: x}", "the key `type` is missing in `a` of `inputs`"),
    ("{type: string, default: 12}", '`default` of `a`: `12` is not text; put it in quotes: "12"'),
    ("{type: string, default: 1.5}", "`default` of `a` of `inputs`: must be text, a whole number or true/false, got a decimal number; put it in quotes if it is text"),
    ("{type: string, default: true}", '`default` of `a`: `true` is not text; put it in quotes: "true"'),
    ("{type: string, default: ''}", "`default` of `a`: the value is empty"),
    ("{type: string, pattern: '[a-z]+', default: A1}", "`default` of `a`: `A1` does not match the pattern `[a-z]+`"),
    ("{type: int, pattern: x}", "`pattern` needs `type: string`"),
    ("{type: int, default: twelve}", "`default` of `a`: `twelve` is not a whole number"),
    ("{type: int, default: 5, max: 3}", "`default` of `a`: 5 is more than the largest allowed, 3"),
    ("{type: int, min: 5, max: 3}", "`min` of `a` does not lie below its `max`"),
    ("{type: date, default: 14.12.2026}", "`default` of `a`: `14.12.2026` is not a date, expected one like 2026-12-14"),
    ("{type: date, default: 2026-02-30}", "`default` of `a`: `2026-02-30` is not a day of the calendar"),
    ("{type: date, default: 2026-02-01, min: 2026-03-01}", "`default` of `a`: 2026-02-01 is less than the smallest allowed, 2026-03-01"),
    ("{type: money, default: 5 euros}", "`default` of `a`: `5 euros` is not an amount of money, expected one like `500 EUR` or `19.90 CHF`"),
    ("{type: money, default: 5 XYZ}", "`default` of `a`: `5 XYZ` is not an amount of money, expected one like `500 EUR` or `19.90 CHF`"),
    ("{type: money, default: 5 EUR, max: 3 USD}", "`default` of `a`: 5.00 EUR is not in USD"),
    ("{type: bool, default: maybe}", "`default` of `a`: `maybe` is not true or false"),
    ("{type: choice}", "an input of type choice needs `choices`"),
    ("{type: string, choices: [x]}", "`choices` needs `type: choice`"),
    ("{type: choice, choices: [Ms, Mr], default: Mrs}", "`default` of `a`: `Mrs` is not a choice, expected one of `Ms`, `Mr`; did you mean `Ms`?"),
    ("{type: bool, max: 3}", "`max` needs a type that has an order: int, date or money"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "said"), INPUTS)
def test_inputs_are_checked_before_anything_runs(tmp_path: Path, spec: str, said: str) -> None:
    text = HEAD + "  a: " + spec + "\n"
    assert lines_of(tmp_path, text) == [f"x.yaml:10: {said}"]


SURFACES = [
    ("surface: {}", ["4: `surface`: a task has exactly one surface, expected one of browser, android, desktop, guest"]),
    ("surface: {tablet: {}}", ["4: unknown surface `tablet`, expected one of `browser`, `android`, `desktop`, `guest`"]),
    ("surface: browser", ["4: `surface` must be a mapping, got `browser`"]),
    ("surface: {browser: {}}", ["4: the key `start` is missing in `browser` of `surface`"]),
    ("surface: {browser: {start: example.org}}", ["4: `start` of `browser` of `surface`: `example.org` is not an address, expected one like `https://example.org/` or `site://flights/`"]),
    ("surface: {browser: {start: 'file:///etc/passwd'}}", ["4: `start` of `browser` of `surface`: `file:///etc/passwd` is not an address, expected one like `https://example.org/` or `site://flights/`"]),
    ("surface: {browser: {start: 'site://flights/'}}", ["4: `site://flights` needs a block `site: {name: flights}`"]),
    ("surface: {browser: {start: 'https://a.org/', viewport: [10, 800]}}", ["4: item 1 of `viewport` of `browser` of `surface` must be at least 320, got the number 10"]),
    ("surface: {browser: {start: 'https://a.org/', viewport: [800]}}", ["4: `viewport` of `browser` of `surface` has too few items"]),
    ("surface: {browser: {start: 'https://{{host}}/'}}\ninputs: {host: {type: string}}", ["4: a template can stand in the path or the query of an address, not in its host"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), SURFACES)
def test_a_surface_is_exactly_one_that_is_known(tmp_path: Path, text: str, said: list[str]) -> None:
    text = f"version: 1\nname: demo\ngoal: x\n{text}\n"
    assert lines_of(tmp_path, text) == [f"x.yaml:{line}" for line in said]


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "version: 2\nname: Demo Task\nsurface: {browser: {start: 'https://a.org/'}}\nsteps: [{do: 3}]\n"
    assert lines_of(tmp_path, text) == [
        "x.yaml:1: `version` is the number 2, expected `1`",
        "x.yaml:1: the key `goal` is missing in the file",
        "x.yaml:2: `name`: `Demo Task` does not look right, expected lower-case letters, digits, `_` or `-`, beginning with a letter",
        "x.yaml:4: `do` of item 1 of `steps` must be text, got the number 3",
    ]


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "book_flight.yaml").write_text("x")
    with pytest.raises(TaskError) as caught:
        load_task(tmp_path / "book_fligt.yaml")
    expected = "there is no such file, expected `book_flight.yaml`; did you mean `book_flight.yaml`?"
    assert str(caught.value) == f"{tmp_path}/book_fligt.yaml: {expected}"


def test_folders_and_devices_are_no_task_files(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="this is a folder, expected a task file"):
        load_task(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TaskError, match="this is not a regular file"):
        load_task(tmp_path / "pipe")
    with pytest.raises(TaskError, match=r"this is not a file name|there is no such file"):
        load_task(Path("a\0b"))


def test_yaml_words_that_older_yaml_changes_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        HEAD
        + "  a: {type: string, default: NO}\n  b: {type: string, default: 12:30}\n  c: {type: string, default: 007}\n"
    )
    bound = load_task(path).bind(environ={})
    assert [bound.inputs[name] for name in "abc"] == ["NO", "12:30", "007"]
