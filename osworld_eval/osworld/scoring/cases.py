"""Made-up evaluators, and what lies in the guest for each: pass, fail, edge, missing and malformed.

None of upstream's tasks are among them. Documents are made by `inside/making.py`; texts stand here.
"""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osworld_eval.osworld.vocabulary import FULL

__all__ = ["Case", "all_cases", "write_texts"]

SHARED = "SHARED"
"""Stands for the address that files are downloaded from."""


@dataclass(frozen=True, slots=True)
class Case:
    """One evaluator and the guest it is asked about."""

    name: str
    evaluator: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)
    """Guest path to the name of a file that was made."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    terminal: str | None = None
    tree: str | None = None
    folders: Mapping[str, Any] = field(default_factory=dict)
    cache: tuple[str, ...] = ()
    """Files that the set-up saved."""
    window: tuple[int, int] | None = None
    wallpaper: str = ""

    @property
    def full(self) -> bool:
        """Whether the full set is needed: a plain archive of texts needs none."""
        func = self.evaluator["func"]
        names = func if isinstance(func, list) else [func]
        return any(name in FULL and name != "compare_archive" for name in names)


TEXTS: Mapping[str, str] = {
    "a.txt": "one\ntwo\nthree\n",
    "a_same.txt": "one\ntwo\nthree\n",
    "a_blank.txt": "one  two\n\nthree",
    "a_caps.txt": "ONE\nTWO\nTHREE\n",
    "a_near.txt": "one\ntwo\nfour\n",
    "empty.txt": "",
    "number.txt": "42.00001",
    "number_gold.txt": "42.00002",
    "word_gold.txt": "answer",
    "times.txt": "at 10:20:30 x\nno\nat 23:59:60\n",
    "a.csv": "name,age\nAda,36\nAlan,41\n",
    "a_caps.csv": "NAME,AGE\nADA,36\nALAN,41\n",
    "a_spaces.csv": " name,age\nAda,36 \nAlan,41\n",
    "a.json": json.dumps({"a": {"b": [1, 2, 3]}, "name": "Ada", "n": 2.5, "on": True}),
    "a_more.json": json.dumps({"a": {"b": [1, 2, 3]}, "name": "Ada", "n": 2.5, "on": True, "z": 1}),
    "broken.json": '{"a": ',
    "list.json": "[1, 2]",
    "a.yaml": "a:\n  b: [1, 2, 3]\nname: Ada\n",
    "broken.yaml": "a: [1,\n b: }",
    "bomb.yaml": "!!python/object/apply:os.system ['true']",
    "settings.json": json.dumps({"editor.fontSize": 14, "files.autoSave": "off"}),
    "keys.json": '// keys\n[{"key": "ctrl+j", "command": "-x", "when": "editorFocus"}]',
    "totals.json": json.dumps({"total": "Total 42", "thanks": "Thank"}),
    "totals_other.json": json.dumps({"total": "Total 99"}),
    "page.html": "<html><style>body { background-image: url('bg.png') }</style><body><p>hi</p></body></html>",
    "page_sdnum.html": '<html><body><p sdnum="1">hi</p></body></html>',
    "page_sdnum2.html": '<html><body><p sdnum="2">hi</p></body></html>',
    "page_other.html": "<html><body><p>ho</p></body></html>",
    "prefs.js": (
        '// Mozilla\nuser_pref("mail.server", "imap.example");\nuser_pref("mail.count", 3);\n'
        'user_pref("mail.on", true);\n'
    ),
    "prefs_broken.js": 'user_pref("mail.server", imap);\n',
    "filters.dat": (
        'version="9"\nlogging="no"\nname="Promotions"\nenabled="yes"\ntype="17"\naction="Move to folder"\n'
        'actionValue="mailbox://x/Promotions"\ncondition="AND (subject,contains,discount)"\n'
    ),
    "mbox": "FROM - Mon\nX-Mozilla-Status: 0001\nSubject: a\n\nhi\n",
    "mbox_other": "FROM - Mon\nX-Mozilla-Status: 0001\nSubject: b\n\nhi\n",
    "settings.xcu": (
        '<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Office.Impress/Misc/Start"><prop oor:name="EnablePresenterScreen">'
        "<value>false</value></prop></item>"
        '<item oor:path="/org.openoffice.Office.Common/Save/Document"><prop oor:name="AutoSaveTimeIntervall">'
        "<value>3</value></prop></item>"
        '<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale"><value>ru-RU</value></prop>'
        '<prop oor:name="ooLocale"><value>en-US</value></prop></item>'
        '<item oor:path="/org.openoffice.Office.Writer/DefaultFont"><prop oor:name="Standard"><value>Arial</value>'
        "</prop></item></oor:items>"
    ),
    "broken.xcu": "<oor:items",
    "vlcrc": "qt-bgcone=0\nqt-minimal-view=1\nqt-max-volume=200\ninput-record-path=/home/user/Desktop\n",
    "vlcrc_bare": "#qt-bgcone=1\n",
    "status.xml": (
        "<root><state>playing</state><information><category name='meta'><info name='filename'>song.mp3</info>"
        "<info name='url'>http://example.invalid/a</info></category></information></root>"
    ),
    "gimprc": '(theme "Dark")\n(undo-levels 20)\n',
    "solution.py": "def add(a, b):\n    return a + b\n",
    "solution_bad.py": "def add(a, b):\n    return a - b\n",
    "solution_broken.py": "def add(a, b:\n",
    "solution_raises.py": "raise ValueError('no')\n",
    "test_add.py": "import solution\n\ndef test():\n    return solution.add(2, 3) == 5\n",
    "test_half.py": "def test():\n    return 0.5\n",
    "test_exits.py": "import sys\n\ndef test():\n    sys.exit(0)\n",
    "code.py": "#!/usr/bin/python\nx = 1\n\nif x:\n\tprint(x)\n",
    "code_same.py": "x = 1\nif x:\n    print(x)\n",
    "Preferences": json.dumps(
        {
            "default_search_provider_data": {"template_url_data": {"short_name": "Bing"}},
            "webkit": {"webprefs": {"default_font_size": 20, "default_fixed_font_size": 13}},
            "profile": {"name": "Thomas"},
            "enable_do_not_track": True,
            "safebrowsing": {"enabled": True, "enhanced": True},
            "session": {"restore_on_startup": 5},
        }
    ),
    "Bookmarks": json.dumps(
        {
            "roots": {
                "bookmark_bar": {
                    "children": [
                        {"type": "folder", "name": "Favorites", "children": []},
                        {"type": "url", "name": "a", "url": "https://a.example/"},
                        {
                            "type": "folder",
                            "name": "Liked Authors",
                            "children": [{"type": "url", "url": "https://ada.example/"}],
                        },
                    ]
                }
            }
        }
    ),
    "Local State": json.dumps({"browser": {"enabled_labs_experiments": ["smooth@1"]}, "intl": {"app_locale": "de"}}),
    "app.desktop": "[Desktop Entry]\nName=Play\nExec=play\n",
}
TREE = (
    '<desktop-frame xmlns:st="https://accessibility.ubuntu.example.org/ns/state"><application name="Google Chrome">'
    '<entry name="Address and search bar">www.shop.example/men/shirts?q=red&amp;size=L,M</entry>'
    '<entry name="Address and search bar">x</entry></application><application name="soffice">'
    '<document-frame name="Slides View"/><push-button name="OK" st:focused="true">Save as</push-button></application>'
    "</desktop-frame>"
)
BARE_TREE = '<desktop-frame><application name="soffice"/></desktop-frame>'
HOME = "/home/user"
CHROME = f"{HOME}/.config/google-chrome"


def write_texts(folder: Path) -> None:
    """Write the texts, and archives and databases of them."""
    for name, text in TEXTS.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "latin.csv").write_bytes("name,age\nJosé,36\n".encode("latin-1"))
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 4)
    archives: Mapping[str, Mapping[str, str]] = {
        "a.zip": {"x.txt": "one", "d/y.txt": "two"},
        "a_same.zip": {"d/y.txt": "two", "x.txt": "one"},
        "a_other.zip": {"x.txt": "one", "d/y.txt": "2"},
        "a_fewer.zip": {"x.txt": "one"},
        "texts.zip": {"a.txt": "one", "b.txt": "two"},
        "texts_half.zip": {"a.txt": "one", "b.txt": "2"},
        "book.epub": {
            "toc.ncx": "<ncx>\n<navPoint id='1'/>\n</ncx>",
            "content.opf": "<p>\n<dc:identifier>1</p>\n<a/>",
            "c1.html": "<html><body><p>Call me</p></body></html>",
        },
        "book_other.epub": {
            "toc.ncx": "<ncx>\n</ncx>",
            "content.opf": "<p>\n<dc:identifier>2</p>\n<b/>",
            "c1.html": "<html><body><p>Call you</p></body></html>",
        },
    }
    for name, members in archives.items():
        with zipfile.ZipFile(folder / name, "w") as made:
            for member, text in members.items():
                made.writestr(member, text)
    with zipfile.ZipFile(folder / "pdfs.zip", "w") as made:
        made.write(folder / "a.pdf", "a.pdf")
    with zipfile.ZipFile(folder / "pdfs_other.zip", "w") as made:
        made.write(folder / "a_other.pdf", "a.pdf")
    line = sqlite3.connect(folder / "a.sqlite")
    line.execute("CREATE TABLE t (n INTEGER)")
    line.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    line.commit()
    line.close()
    for name, table in (
        ("History", "urls (id, url, title, visit_count, typed_count, last_visit_time)"),
        ("Cookies", "cookies (creation_utc, host_key, name)"),
    ):
        line = sqlite3.connect(folder / name)
        line.execute(f"CREATE TABLE {table}")
        values = ("(1, 'https://www.shop.example/', 'Shop', 1, 1, 5)", "(1, '.shop.example', 'id')")
        line.execute(f"INSERT INTO {table.split()[0]} VALUES {values[name == 'Cookies']}")
        line.commit()
        line.close()


def vm(name: str = "x") -> dict[str, Any]:
    return {"type": "vm_file", "path": f"{HOME}/{name}", "dest": name}


def gold(name: str, dest: str = "") -> dict[str, Any]:
    return {"type": "cloud_file", "path": f"{SHARED}/{name}", "dest": dest or f"gold_{name}"}


def rule(told: Any) -> dict[str, Any]:
    return {"type": "rule", "rules": told}


def line(command: str, shell: bool = False) -> dict[str, Any]:
    return {"type": "vm_command_line", "command": command.split() if not shell else command, "shell": shell}


def _one(name: str, func: str, result: dict[str, Any], expected: dict[str, Any] | None = None, /, **more: Any) -> Case:
    """A single metric; `options` and what is in the guest come as keywords."""
    evaluator: dict[str, Any] = {"func": func, "result": result}
    if expected is not None:
        evaluator["expected"] = expected
    if "options" in more:
        evaluator["options"] = more.pop("options")
    return Case(f"{func}: {name}", evaluator, **more)


def _file(name: str, func: str, made: str, expected: dict[str, Any] | None = None, /, **more: Any) -> Case:
    """A single metric on a file in the guest; `made` is empty where there is none."""
    got = "result" + Path(made or "x.txt").suffix
    files = {f"{HOME}/{got}": made} if made else {}
    return _one(name, func, vm(got), expected, files=files | more.pop("files", {}), **more)


def all_cases() -> tuple[Case, ...]:
    """Every case, in an order that is always the same; names are unique."""
    made = (
        *_texts(),
        *_json(),
        *_tables(),
        *_documents(),
        *_slides(),
        *_archives(),
        *_mail(),
        *_code(),
        *_office(),
        *_system(),
        *_browser(),
        *_getters(),
        *_joined(),
        *_media(),
    )
    assert len({case.name for case in made}) == len(made), "two cases of one name"
    return made


def _texts() -> Iterator[Case]:
    told: Any
    for name, made, options in (
        ("same", "a_same.txt", {}),
        ("other", "a_near.txt", {}),
        ("blanks count", "a_blank.txt", {}),
        ("blanks ignored", "a_blank.txt", {"ignore_blanks": True}),
        ("case ignored", "a_caps.txt", {"ignore_case": True}),
        ("case counts", "a_caps.txt", {}),
        ("missing", "", {}),
        ("bytes", "noise.bin", {}),
        ("empty", "empty.txt", {}),
    ):
        yield _file(name, "compare_text_file", made, gold("a.txt"), options=options)
    for name, made in (("same", "a_same.txt"), ("a third", "a_near.txt"), ("missing", ""), ("empty", "empty.txt")):
        yield _file(name, "diff_text_file", made, gold("a.txt"))
    yield _one("gold is missing", "diff_text_file", vm("a.txt"), gold("nowhere.txt"), files={f"{HOME}/a.txt": "a.txt"})
    for name, made, told in (
        ("all there", "a.txt", ["one", "three"]),
        ("one is not", "a.txt", ["one", "four"]),
        ("missing", "", ["one"]),
        ("bytes", "noise.bin", ["one"]),
        ("nothing wanted", "a.txt", []),
    ):
        yield _file(name, "file_contains", made, rule({"expected": told}))
    for name, made, told in (("two", "times.txt", "2"), ("three", "times.txt", "3"), ("no number", "times.txt", "x")):
        yield _file(name, "check_line_number", made, rule({"expected": told}))
    for name, made, expect, unexpect in (
        ("found", "a.txt", ["^on", "ee$"], ["^x"]),
        ("not found", "a.txt", ["^four"], []),
        ("unwanted", "a.txt", ["one"], ["tw."]),
        ("missing", "", ["one"], []),
        ("bad pattern", "a.txt", ["("], []),
    ):
        yield _file(name, "check_list", made, rule({"expect": expect, "unexpect": unexpect}))
    for name, made, want in (
        ("near number", "number.txt", "number_gold.txt"),
        ("text", "a.txt", "a_same.txt"),
        ("no", "a.txt", "word_gold.txt"),
        ("contains", "a.txt", "number.txt"),
    ):
        yield _file(name, "compare_result_files", made, gold(want))
    for name, made in (("same", "code_same.py"), ("other", "solution.py"), ("missing", "")):
        yield _file(name, "compare_python_pure_text", made, gold("code.py"))
    yield _file("exact", "compare_config", "a.txt", rule({"expected": TEXTS["a.txt"]}))
    yield _file("not exact", "compare_config", "a.txt", rule({"expected": "one"}))
    yield _file("same", "compare_terminal_and_txt", "a.txt", {"type": "vm_terminal_output"}, terminal=TEXTS["a.txt"])
    yield _file("no terminal", "compare_terminal_and_txt", "a.txt", {"type": "vm_terminal_output"})


def _json() -> Iterator[Case]:
    told: Any

    def want(key: list[Any], method: str, ref: Any) -> dict[str, Any]:
        return {"key": key, "method": method, "ref": ref}

    for name, made, expect, unexpect in (
        ("equal", "a.json", [want(["name"], "eq", "Ada")], []),
        ("not equal", "a.json", [want(["name"], "eq", "Bob")], []),
        ("less", "a.json", [want(["n"], "lt", 3)], []),
        ("near", "a.json", [want(["n"], "approx:0.2", 2.4)], []),
        ("range", "a.json", [want(["n"], "range.te", [2, 2.5])], []),
        ("pattern", "a.json", [want(["name"], "re", "^A")], []),
        ("list", "a.json", [want(["a", "b"], "str_list_eq", [1, 2, 3])], []),
        ("place", "a.json", [want(["a", "b", 1], "eq", 2)], []),
        ("no such key", "a.json", [want(["z"], "eq", 2)], []),
        ("no such method", "a.json", [want(["n"], "likes", 2)], []),
        ("unwanted", "a.json", [], [want(["name"], "eq", "Ada")]),
        ("broken", "broken.json", [want(["name"], "eq", "Ada")], []),
        ("missing", "", [want(["name"], "eq", "Ada")], []),
    ):
        yield _file(name, "check_json", made, rule({"expect": expect, "unexpect": unexpect}))
    for name, made in (("yaml", "a.yaml"), ("broken yaml", "broken.yaml"), ("yaml that runs", "bomb.yaml")):
        told = rule({"expect": [want(["a", "b"], "eq", [1, 2, 3])]})
        yield _file(name, "check_json", made, told, options={"is_yaml": True})
    for name, said, told in (
        ("same", '{"a": 1}', {"expected": {"a": 1}}),
        ("other", '{"a": 2}', {"expected": {"a": 1}}),
        ("single quotes", "{'a': 'b'}", {"expected": {"a": "b"}}),
        ("an apostrophe", '{"a": "it\'s"}', {"expected": {"a": "it's"}}),
        ("no JSON", "nothing", {"expected": {"a": 1}}),
        ("empty", "", {"expected": {"a": 1}}),
        ("any order", '{"a": [2, 1]}', {"expected": {"a": [1, 2], "ignore_list_order": True}}),
        ("in result", '{"a": ["x", "y"]}', {"expected": {"a": ["z", "x"]}, "expect_in_result": True}),
        ("in text", '{"a": "xyz"}', {"expected": {"a": "y"}, "expect_in_result": True}),
        ("failed upstream", '{"a": 1}', {"expected": {"a": "__EVALUATION_FAILED__"}}),
    ):
        yield _one(name, "check_direct_json_object", line("tell it"), rule(told), outputs={"tell it": said})
    yield _one(
        "included",
        "is_included_all_json_objects",
        vm("a.json"),
        gold("a_more.json"),
        files={f"{HOME}/a.json": "a.json"},
    )
    yield _one(
        "not included",
        "is_included_all_json_objects",
        vm("a.json"),
        gold("a.json"),
        files={f"{HOME}/a.json": "a_more.json"},
    )
    for name, made, told in (
        ("set", "settings.json", {"editor.fontSize": 14}),
        ("other", "settings.json", {"editor.fontSize": 15}),
        ("not there", "settings.json", {"x": 1}),
        ("broken", "broken.json", {"x": 1}),
        ("missing", "", {"x": 1}),
        ("a list", "list.json", {"x": 1}),
    ):
        yield _file(name, "check_json_settings", made, rule({"expected": told}))
    bound = {"key": "ctrl+j", "command": "-x", "when": "editorFocus"}
    yield _file("bound", "check_json_keybindings", "keys.json", rule({"expected": bound}))
    yield _file("not bound", "check_json_keybindings", "keys.json", rule({"expected": {**bound, "key": "ctrl+k"}}))
    yield _file("an object", "check_json_keybindings", "a.json", rule({"expected": bound}))


def _tables() -> Iterator[Case]:
    told: Any
    for name, made, options in (
        ("same", "a.csv", {}),
        ("case", "a_caps.csv", {"ignore_case": True}),
        ("case counts", "a_caps.csv", {}),
        ("spaces", "a_spaces.csv", {"strict": False}),
        ("spaces count", "a_spaces.csv", {}),
        ("missing", "", {}),
        ("other letters", "latin.csv", {}),
    ):
        yield _file(name, "compare_csv", made, gold("a.csv"), options=options)
    for name, expect, unexpect in (
        ("found", [{"name": "Ada", "age": "36"}], []),
        ("not found", [{"name": "Bob"}], []),
        ("unwanted", [{"name": "Ada"}], [{"name": "Alan"}]),
        ("no such column", [{"size": "1"}], []),
    ):
        yield _file(name, "check_csv", "a.csv", rule({"expect": expect, "unexpect": unexpect}))

    def table(name: str, made: str, want: str, *rules: dict[str, Any], **more: Any) -> Case:
        files = {f"{HOME}/a.xlsx": made} if made else {}
        return _one(
            name,
            "compare_table",
            vm("a.xlsx"),
            gold(want, "a_gold.xlsx"),
            options={"rules": list(rules)},
            files=files,
            **more,
        )

    data = {"type": "sheet_data", "sheet_idx0": 0, "sheet_idx1": "EI0"}
    yield table("same", "a_same.xlsx", "a.xlsx", data)
    yield table("a cell", "a_other.xlsx", "a.xlsx", data)
    yield table("near enough", "a_near.xlsx", "a.xlsx", data)
    yield table("not near enough", "a_near.xlsx", "a.xlsx", {**data, "precision": 6})
    yield table("by name", "a_same.xlsx", "a.xlsx", {**data, "sheet_idx0": "RNSecond", "sheet_idx1": "ENSecond"})
    yield table("no such sheet", "a_same.xlsx", "a.xlsx", {**data, "sheet_idx0": "RN nowhere"})
    yield table("bad sheet", "a_same.xlsx", "a.xlsx", {**data, "sheet_idx0": "XX"})
    yield table("out of range", "a_same.xlsx", "a.xlsx", {**data, "sheet_idx0": 9})
    yield table("names", "a_same.xlsx", "a.xlsx", {"type": "sheet_name"})
    yield table("other names", "a_names.xlsx", "a.xlsx", {"type": "sheet_name"})
    yield table("missing", "", "a.xlsx", data)
    yield table("broken", "broken.xlsx", "a.xlsx", data)
    yield table("broken gold", "a.xlsx", "broken.xlsx", data)
    yield table("no such rule", "a.xlsx", "a.xlsx", {"type": "sheet_taste"})
    for name, change, want, told in (
        ("style", "a_style", "a_style", {"type": "style", "props": ["font_bold", "fgcolor"]}),
        ("other style", "a", "a_style", {"type": "style", "props": ["font_bold", "fgcolor"]}),
        ("freeze", "a_freeze", "a_freeze", {"type": "freeze"}),
        ("no freeze", "a", "a_freeze", {"type": "freeze"}),
        ("chart", "a_chart", "a_chart", {"type": "chart", "chart_props": ["type", "title"]}),
        ("no chart", "a", "a_chart", {"type": "chart", "chart_props": ["type"]}),
        ("filter", "a_filter", "a_filter", {"type": "filter"}),
        ("no filter", "a", "a_filter", {"type": "filter"}),
        ("columns", "a_wide", "a_wide", {"type": "col_props", "props": ["width", "hidden"]}),
        ("other columns", "a", "a_wide", {"type": "col_props", "props": ["hidden"]}),
        ("rows", "a_wide", "a_wide", {"type": "row_props", "props": ["height"]}),
        ("sparklines", "a", "a_same", {"type": "sparkline"}),
        ("pivots", "a", "a_same", {"type": "pivot_table"}),
    ):
        yield table(name, f"{change}.xlsx", f"{want}.xlsx", {"sheet_idx0": 0, "sheet_idx1": "EI0", **told})
    zoom = {"type": "zoom", "sheet_idx": 0, "method": "eq", "ref": 150}
    yield table("zoom", "a_zoom.xlsx", "a.xlsx", zoom)
    yield table("no zoom", "a.xlsx", "a.xlsx", zoom)
    valid = {
        "type": "data_validation",
        "sheet_idx": 0,
        "dv_props": [
            {
                "ranges": {"method": "spreadsheet_range", "ref": ["D2:D4", "D1:D9"]},
                "type": {"method": "eq", "ref": "list"},
            }
        ],
    }
    yield table("validation", "a_valid.xlsx", "a.xlsx", valid)
    yield table("no validation", "a.xlsx", "a.xlsx", valid)
    cell = {"type": "check_cell", "sheet_idx": 0, "coordinate": "B3", "props": {"value": {"method": "eq", "ref": 12}}}
    yield table("a value", "a.xlsx", "a.xlsx", cell)
    yield table("another value", "a_other.xlsx", "a.xlsx", cell)
    for name, made, told in (
        ("trimmed", "a_text.xlsx", {"type": "exact_match", "trim_trailings": " ", "ignore_case": True}),
        ("not trimmed", "a_text.xlsx", {"type": "exact_match"}),
        ("fuzzy", "a_text.xlsx", {"type": "fuzzy_match"}),
        ("includes", "a_text.xlsx", {"type": "includes", "ignore_case": True}),
    ):
        fuzzy = {"type": "sheet_fuzzy", "sheet_idx0": 0, "sheet_idx1": "EI0", "rules": [{"range": ["A2:A4"], **told}]}
        yield table(name, made, "a.xlsx", fuzzy)
    printed = {"type": "sheet_print", "sheet_idx0": "RNSheet1", "sheet_idx1": "ENSheet1"}
    for name, sheet, told in (
        ("printed", "a_gold-Sheet1.csv", printed),
        ("printed case", "a_caps-Sheet1.csv", {**printed, "ignore_case": True}),
        ("printed other case", "a_caps-Sheet1.csv", printed),
        ("printed, no gold", "", printed),
    ):
        result = {
            "type": "vm_file",
            "path": [f"{HOME}/a.xlsx", f"{HOME}/a-Sheet1.csv"],
            "dest": ["a.xlsx", "a-Sheet1.csv"],
            "multi": True,
        }
        expected = (
            {
                "type": "cloud_file",
                "path": [f"{SHARED}/a.xlsx", f"{SHARED}/{sheet}"],
                "dest": ["a_gold.xlsx", "a_gold-Sheet1.csv"],
                "multi": True,
            }
            if sheet
            else gold("a.xlsx", "z.xlsx")
        )
        yield _one(
            name,
            "compare_table",
            result,
            expected,
            options={"rules": [told]},
            files={f"{HOME}/a.xlsx": "a.xlsx", f"{HOME}/a-Sheet1.csv": "a-Sheet1.csv"},
        )
    for name, sql in (
        ("one", "SELECT count(*) = 2 FROM t"),
        ("none", "SELECT sum(n) > 9 FROM t"),
        ("two", "SELECT max(n) FROM t"),
        ("no row", "SELECT n FROM t WHERE n > 9"),
        ("no table", "SELECT 1 FROM u"),
    ):
        yield _one(name, "run_sqlite3", vm("a.sqlite"), rule({"sql": sql}), files={f"{HOME}/a.sqlite": "a.sqlite"})
    yield _one(
        "no database",
        "run_sqlite3",
        vm("a.sqlite"),
        rule({"sql": "SELECT 1 FROM t"}),
        files={f"{HOME}/a.sqlite": "a.txt"},
    )


def _documents() -> Iterator[Case]:
    told: Any
    for name, made, options in (
        ("same", "a_same", {}),
        ("other", "a_other", {}),
        ("case", "a_case", {"ignore_case": True}),
        ("case counts", "a_case", {}),
        ("order", "a_order", {"ignore_order": True}),
        ("order counts", "a_order", {}),
        ("content", "a_other", {"content_only": True}),
        ("fuzzy", "a_other", {"fuzzy_match": True}),
        ("blank line", "a_blank", {"delete_empty_lines": True}),
        ("blank line counts", "a_blank", {"ignore_blanks": False}),
        ("spaces", "a_spaces", {"ignore_blanks": True}),
        ("spaces count", "a_spaces", {"ignore_blanks": False}),
        ("missing", "", {}),
        ("broken", "broken", {}),
        ("empty", "empty", {}),
    ):
        yield _file(name, "compare_docx_files", f"{made}.docx" if made else "", gold("a.docx"), options=options)
    yield _file("open document", "compare_docx_files", "a.odt", gold("a.odt"))
    yield _file("another open document", "compare_docx_files", "a_odd.odt", gold("a.odt"))
    for func, made, want in (
        ("compare_docx_tables", "a_table", "a_table"),
        ("compare_docx_tables", "a_table_other", "a_table"),
        ("compare_docx_tables", "a", "a_table"),
        ("compare_init_lines", "a", "a"),
        ("compare_init_lines", "a_other", "a"),
        ("compare_docx_lines", "a_order", "a"),
        ("compare_docx_lines", "a_other", "a"),
        ("compare_docx_images", "a_pictured", "a_pictured"),
        ("compare_docx_images", "a", "a_pictured"),
        ("compare_line_spacing", "a_spaced", "a_spaced"),
        ("compare_line_spacing", "a", "a_spaced"),
        ("compare_subscript_contains", "a_sub", "a_sub"),
        ("compare_subscript_contains", "a", "a_sub"),
        ("compare_contains_image", "a_pictured", "a_pictured"),
        ("compare_contains_image", "a", "a_pictured"),
        ("compare_insert_equation", "a_equation", "a"),
        ("compare_insert_equation", "a", "a"),
        ("evaluate_strike_through_last_paragraph", "a_struck", "a"),
        ("evaluate_strike_through_last_paragraph", "a", "a"),
        ("check_italic_font_size_14", "a_italic", "a"),
        ("check_italic_font_size_14", "a", "a"),
        ("compare_docx_files_and_ignore_new_lines", "a_blank", "a"),
        ("compare_docx_files_and_ignore_new_lines", "a_other", "a"),
        ("compare_highlighted_text", "a_lit", "a_lit"),
        ("compare_highlighted_text", "a", "a_lit"),
        ("check_no_duplicates", "trains", "trains_once"),
        ("check_tabstops", "a_tabbed", "a_tabbed"),
        ("check_tabstops", "a", "a_tabbed"),
        ("check_tabstops", "broken", "a_tabbed"),
    ):
        yield _file(f"{made} and {want}", func, f"{made}.docx", gold(f"{want}.docx"))
    for func, made in (
        ("has_page_numbers_in_footers", "a_numbered"),
        ("has_page_numbers_in_footers", "a"),
        ("is_first_line_centered", "a_centred"),
        ("is_first_line_centered", "a"),
        ("evaluate_conversion", "a_case"),
        ("evaluate_conversion", "a"),
        ("evaluate_spacing", "a_spaced"),
        ("evaluate_spacing", "a"),
        ("evaluate_spacing", "empty"),
        ("evaluate_alignment", "tabs"),
        ("evaluate_alignment", "a"),
    ):
        yield _file(made, func, f"{made}.docx")
    for name, made, told in (("arial", "a_arial", "Arial"), ("not arial", "a", "Arial"), ("broken", "broken", "Arial")):
        yield _file(name, "compare_font_names", f"{made}.docx", rule({"font_name": told}))
    for name, made, told in (
        ("one", "a_pages", {"page_break_count": 1}),
        ("two", "a_pages", {"page_break_count": 2}),
        ("none", "a", {}),
    ):
        yield _file(name, "contains_page_break", f"{made}.docx", rule(told))
    for name, made in (("same", "refs"), ("other", "refs_other"), ("none", "a")):
        yield _file(
            name, "compare_references", f"{made}.docx", gold("refs.docx"), options={"reference_base_result": 0.5}
        )
    for name, told in (("right", ["Paris", "Berlin", "Rome"]), ("near", ["Pariss", "Berlin"]), ("wrong", ["Oslo"])):
        yield _file(name, "fuzzy_place_math", "places.docx", rule({"expected": told}))
    yield _file("font", "find_default_font", "settings.xcu", rule({"font_name": "Arial"}))
    yield _file("other font", "find_default_font", "settings.xcu", rule({"font_name": "Times"}))
    for name, made, want in (
        ("there", "a.pdf", "totals.json"),
        ("not there", "a.pdf", "totals_other.json"),
        ("broken", "broken.pdf", "totals.json"),
        ("missing", "", "totals.json"),
    ):
        yield _file(name, "is_gold_text_included_in_pdf", made, gold(want))


def _slides() -> Iterator[Case]:
    told: Any
    for made in (
        "a_same",
        "a_text",
        "a_aligned",
        "a_indented",
        "a_font",
        "a_size",
        "a_bold",
        "a_italic",
        "a_underlined",
        "a_red",
        "a_struck",
        "a_three",
        "a_noted",
        "a_painted",
        "a_moved",
        "a_pictured",
        "a_table",
        "broken",
    ):
        yield _file(made, "compare_pptx_files", f"{made}.pptx", gold("a.pptx"))
    yield _file("missing", "compare_pptx_files", "", gold("a.pptx"))
    for made, switch in (
        ("a_text", "examine_text"),
        ("a_bold", "examine_font_bold"),
        ("a_italic", "examine_font_italic"),
        ("a_red", "examine_color_rgb"),
        ("a_font", "examine_font_name"),
        ("a_size", "examine_font_size"),
        ("a_underlined", "examine_font_underline"),
        ("a_struck", "examine_strike_through"),
        ("a_moved", "examine_shape"),
        ("a_noted", "examine_note"),
        ("a_painted", "examine_background_color"),
        ("a_aligned", "examine_alignment"),
        ("a_indented", "examine_indent"),
        ("a_three", "examine_number_of_slides"),
    ):
        yield _file(
            f"{made} without {switch}", "compare_pptx_files", f"{made}.pptx", gold("a.pptx"), options={switch: False}
        )
    for name, made, options in (
        ("top", "a_moved", {"examine_shape": False, "examine_top_position": True}),
        ("bottom", "a_moved", {"examine_shape": False, "examine_title_bottom_position": True}),
        ("right", "a_larger", {"examine_shape": False, "examine_right_position": True}),
        ("height", "a_larger", {"examine_shape": False, "examine_modify_height": True}),
    ):
        yield _file(name, "compare_pptx_files", f"{made}.pptx", gold("a.pptx"), options=options)
    for func, made, told in (
        ("check_slide_orientation_Portrait", "a_upright", None),
        ("check_slide_orientation_Portrait", "a", None),
        ("check_transition", "a_dissolving", {"slide_idx": 0, "transition_type": "dissolve"}),
        ("check_transition", "a_dissolving", {"slide_idx": 0, "transition_type": "wipe"}),
        ("check_transition", "a", {"slide_idx": 7, "transition_type": "wipe"}),
        ("check_strikethrough", "a_struck", {"slide_index_s": [0], "shape_index_s": [1], "paragraph_index_s": [0]}),
        ("check_strikethrough", "a", {"slide_index_s": [0], "shape_index_s": [1], "paragraph_index_s": [0]}),
        ("evaluate_presentation_fill_to_rgb_distance", "a_painted", {"rgb": [0, 0, 255]}),
        ("evaluate_presentation_fill_to_rgb_distance", "a_painted", {"rgb": [255, 0, 0]}),
        ("evaluate_presentation_fill_to_rgb_distance", "a", {"rgb": [0, 0, 255], "original_rgb": [255, 255, 255]}),
        ("check_page_number_colors", "a", {"color": "red"}),
        ("check_slide_numbers_color", "a", None),
    ):
        yield _file(f"{made} {json.dumps(told)}", func, f"{made}.pptx", None if told is None else rule(told))
    for name, made in (("stretched", "a_stretched"), ("not", "a_pictured"), ("gone", "a")):
        yield _file(name, "check_image_stretch_and_center", f"{made}.pptx", gold("a_pictured.pptx"))


def _archives() -> Iterator[Case]:
    told: Any
    for name, made in (
        ("same", "a_same.zip"),
        ("other", "a_other.zip"),
        ("fewer", "a_fewer.zip"),
        ("missing", ""),
        ("no archive", "a.txt"),
    ):
        yield _file(name, "compare_zip_files", made, gold("a.zip"))
    yield _file("pages", "compare_zip_files", "pdfs.zip", gold("pdfs.zip", "g.zip"))
    yield _file("other pages", "compare_zip_files", "pdfs_other.zip", gold("pdfs.zip", "g.zip"))
    yield _file("texts", "compare_archive", "texts.zip", gold("texts.zip", "g.zip"))
    yield _file("half of the texts", "compare_archive", "texts_half.zip", gold("texts.zip", "g.zip"))
    yield _file("missing", "compare_archive", "", gold("texts.zip", "g.zip"))
    for name, made in (("same", "book.epub"), ("other", "book_other.epub"), ("broken", "a.txt"), ("missing", "")):
        yield _file(name, "compare_epub", made, gold("book.epub", "g.epub"))
    for name, made, told in (
        ("title", "song.mp3", {"title": {"method": "eq", "ref": "A Song"}}),
        ("other", "song.mp3", {"title": {"method": "eq", "ref": "B"}}),
        ("no title", "untitled.mp3", {"title": {"method": "eq", "ref": "A"}}),
        ("no song", "a.txt", {"title": {"method": "eq", "ref": "A"}}),
        ("missing", "", {}),
    ):
        yield _file(name, "check_mp3_meta", made, rule(told))


def _mail() -> Iterator[Case]:
    told: Any
    for name, made, told in (
        ("set", "prefs.js", {"expect": {"mail.server": {"method": "re", "ref": "^imap"}}}),
        ("number", "prefs.js", {"expect": {"mail.count": {"method": "ge", "ref": 4}}}),
        ("unwanted", "prefs.js", {"unexpect": {"mail.on": {"method": "eq", "ref": True}}}),
        ("broken", "prefs_broken.js", {"expect": {"mail.server": {"method": "eq", "ref": 1}}}),
        ("missing", "", {"expect": {"mail.server": {"method": "eq", "ref": 1}}}),
    ):
        yield _file(name, "check_thunderbird_prefs", made, rule(told))
    for name, told in (
        ("there", {"expect": [{"enabled": "yes", "action": "Move to folder"}]}),
        ("not", {"expect": [{"enabled": "no"}]}),
        ("condition", {"expect": [{"condition": ["AND (subject,contains,discount)"]}]}),
        ("unwanted", {"unexpect": [{"name": "Promotions"}]}),
    ):
        yield _file(name, "check_thunderbird_filter", "filters.dat", rule(told))
    for name, made in (("same", "mbox"), ("other", "mbox_other"), ("missing", "")):
        yield _file(name, "check_thunderbird_folder", made, gold("mbox", "g"))


def _code() -> Iterator[Case]:
    told: Any

    def suite(name: str, made: str, test: str, **options: Any) -> Case:
        files = {f"{HOME}/solution.py": made} if made else {}
        return _one(
            name,
            "check_python_file_by_test_suite",
            vm("solution.py"),
            gold(test, "test.py"),
            options=options,
            files=files,
        )

    yield suite("right", "solution.py", "test_add.py")
    yield suite("wrong", "solution_bad.py", "test_add.py")
    yield suite("no Python", "solution_broken.py", "test_add.py")
    yield suite("raises", "solution_raises.py", "test_add.py")
    yield suite("missing", "", "test_add.py")
    yield suite("half", "solution.py", "test_half.py")
    yield suite("no such function", "solution.py", "test_add.py", test_function_name="check")
    yield _file("there", "check_html_background_image", "page.html", rule({"type": "value", "value": "bg.png"}))
    yield _file("not there", "check_html_background_image", "page.html", rule({"type": "value", "value": "x.png"}))
    for name, made, options in (
        ("same", "page_sdnum.html", {}),
        ("sdnum", "page_sdnum2.html", {}),
        ("sdnum ignored", "page_sdnum2.html", {"ignore_sdnum": True}),
        ("other", "page_other.html", {}),
        ("missing", "", {}),
    ):
        yield _file(name, "compare_htmls", made, gold("page_sdnum.html", "g.html"), options=options)
    for name, said, told in (
        ("installed", "a.b\nc.d\n", {"type": "contain", "expected": "c.d"}),
        ("not installed", "a.b\n", {"type": "contain", "expected": "c.d"}),
        ("gone", "a.b\n", {"type": "not_contain", "expected": "c.d"}),
        ("bad rule", "a.b\n", {"type": "x", "expected": "c"}),
    ):
        yield _one(
            name, "is_extension_installed", line("code --list-extensions"), rule(told), outputs={"code --list": said}
        )


def _office() -> Iterator[Case]:
    told: Any
    for name, made, locales in (
        ("match", "settings.xcu", ["ru-*"]),
        ("no match", "settings.xcu", ["de-*"]),
        ("broken", "broken.xcu", ["*"]),
        ("missing", "", ["*"]),
    ):
        yield _file(name, "check_libre_locale", made, rule({"locale_set": locales}))
    for name, made in (("off", "settings.xcu"), ("broken", "broken.xcu"), ("missing", "")):
        yield _file(name, "check_presenter_console_disable", made)
    for name, made, minutes in (("three", "settings.xcu", 3), ("four", "settings.xcu", 4), ("broken", "broken.xcu", 3)):
        yield _file(name, "check_auto_saving_time", made, rule({"minutes": minutes}))
    yield _one("open", "check_left_panel", {"type": "accessibility_tree"}, tree=TREE)
    yield _one("closed", "check_left_panel", {"type": "accessibility_tree"}, tree=BARE_TREE)
    for name, told in (
        ("selector", [{"selectors": ["push-button[name=OK]"]}]),
        ("xpath", [{"xpath": "//push-button[@st:focused='true']"}]),
        ("text", [{"selectors": ["push-button"], "text": "Save as", "exact": True}]),
        ("near text", [{"selectors": ["push-button"], "text": "Save a", "exact": False}]),
        ("none", [{"selectors": ["slider"]}]),
        ("bad rule", [{"text": "x"}]),
    ):
        yield _one(name, "check_accessibility_tree", {"type": "accessibility_tree"}, rule(told), tree=TREE)
    yield _one("no tree", "check_accessibility_tree", {"type": "accessibility_tree"}, rule([]))


def _system() -> Iterator[Case]:
    told: Any
    for name, said, want in (
        ("same", "['a.desktop', 'b.desktop']", ["b.desktop", "a.desktop"]),
        ("fewer", "['a.desktop']", ["b", "a"]),
        ("runs", "['a'] * 2", ["a", "a"]),
        ("no list", "nonsense here", ["a"]),
    ):
        yield _one(
            name,
            "check_gnome_favorite_apps",
            line("gsettings get"),
            rule({"expected": want}),
            outputs={"gsettings": said},
        )
    clock = "Local\nUniversal\nRTC\n   Time zone: {}\nx\n"
    for name, said in (
        ("utc", clock.format("UTC (UTC, +0000)")),
        ("zurich", clock.format("Europe/Zurich (CET, +0100)")),
        ("short", "x"),
    ):
        yield _one(name, "is_utc_0", line("timedatectl"), outputs={"timedatectl": said})
    for name, said in (("larger", "1.25\n"), ("as it was", "1.0\n"), ("no number", "big")):
        yield _one(name, "check_text_enlarged", line("scaling"), outputs={"scaling": said})
    tree = {"type": "directory", "name": "cpjpg", "children": [{"type": "file", "name": n} for n in ("a.jpg", "b.jpg")]}
    place = {"type": "list_directory", "path": "/home/user/cpjpg"}
    for name, want, folders in (
        ("all", ["b.jpg", "a.jpg"], {place["path"]: tree}),
        ("fewer", ["a.jpg"], {place["path"]: tree}),
        ("missing", ["a.jpg"], {}),
    ):
        yield _one(name, "check_moved_jpgs", place, rule({"expected": want}), folders=folders)
    yield _one(
        "there", "is_in_vm_clickboard", rule({"expected": "copied"}), line("xclip"), outputs={"xclip": "x copied y"}
    )
    yield _one(
        "not there",
        "is_in_vm_clickboard",
        rule({"expected": ["copied", "z"]}),
        line("xclip"),
        outputs={"xclip": "x copied y"},
    )
    for func, told, said in (
        ("exact_match", {"expected": "yes\n"}, "yes\n"),
        ("exact_match", {"expected": "yes"}, "yes\n"),
        ("match_in_list", {"expected": ["no", "yes"]}, "yes"),
        ("match_in_list", {"expected": ["no"]}, "yes"),
        ("is_in_list", {"expected": "es"}, "yes"),
        ("is_in_list", {"expected": "x"}, "yes"),
        ("fuzzy_match", {"expected": "yess"}, "yes"),
        ("compare_answer", {"expected": "yes"}, "yes"),
        ("check_include_exclude", {"include": ["ye"], "exclude": ["n"]}, "yes"),
        ("check_include_exclude", {"include": ["ye"], "exclude": ["s"]}, "yes"),
    ):
        yield _one(f"{told} of {said!r}", func, line("ask me"), rule(told), outputs={"ask me": said})
    yield _one("command is unknown", "check_include_exclude", line("no such"), rule({"include": ["a"]}))
    yield _one("shell", "exact_match", line("a | b", True), rule({"expected": "1"}), outputs={"a | b": "1"})
    yield _one(
        "error output",
        "exact_match",
        {"type": "vm_command_error", "command": ["ls"]},
        rule({"expected": "Ex"}),
        outputs={"ls": "x"},
    )
    for name, options in (
        ("text", {}),
        ("list", {"type": "list"}),
        ("case", {"type": "list", "ignore_case": True}),
        ("bad", {"type": "x"}),
    ):
        yield _one(name, "literal_match", rule(["A", "b"]), rule(["a", "b"]), options=options)


def _browser() -> Iterator[Case]:
    told: Any
    bar = {"type": "active_url_from_accessTree", "goto_prefix": "https://"}
    for name, told, tree in (
        ("all patterns", [r"shop\.example", "q=red"], TREE),
        ("one is not", [r"shop\.example", "q=blue"], TREE),
        ("no browser", ["shop"], BARE_TREE),
        ("bad pattern", ["("], TREE),
    ):
        yield _one(name, "is_expected_url_pattern_match", bar, rule({"expected": told}), tree=tree)
    url = "https://www.shop.example/men/shirts?q=red&size=L,M"
    for name, want in (("same", url), ("other", "https://www.shop.example/women"), ("no www", url.replace("www.", ""))):
        yield _one(name, "is_expected_active_tab", bar, rule({"type": "url", "url": want}), tree=TREE)
    for name, want in (("same", "https://www.shop.example/men/shirts"), ("other", "https://www.shop.example/men")):
        yield _one(name, "is_expected_active_tab_approximate", bar, rule({"type": "url", "url": want}), tree=TREE)
    parse = {"type": "active_tab_url_parse", "parse_keys": ["q", "size"]}
    yield _one("query", "check_direct_json_object", parse, rule({"expected": {"q": "red", "size": "L,M"}}), tree=TREE)
    yield _one(
        "query split",
        "check_direct_json_object",
        {**parse, "split_list": True},
        rule({"expected": {"size": ["L", "M"]}}),
        tree=TREE,
    )
    yield _one(
        "query renamed",
        "check_direct_json_object",
        {**parse, "replace": {"q": "colour"}},
        rule({"expected": {"colour": "red"}}),
        tree=TREE,
    )
    yield _one("no query", "check_direct_json_object", parse, rule({"expected": {"q": "red"}}), tree=BARE_TREE)
    dash = {"type": "url_dashPart", "partIndex": -1, "needDeleteId": True, "returnType": "json", "key": "part"}
    yield _one(
        "part of the address", "check_direct_json_object", dash, rule({"expected": {"part": "shirts"}}), tree=TREE
    )
    path = {"type": "macys_product_url_parse", "parse_keys": ["shirts"]}
    yield _one("path", "check_direct_json_object", path, rule({"expected": {"shirts": True}}), tree=TREE)
    yield _one(
        "path, by its older name",
        "check_direct_json_object",
        {**path, "type": "url_path_parse"},
        rule({"expected": {"shirts": True}}),
        tree=TREE,
    )
    prefs = {f"{CHROME}/Default/Preferences": "Preferences"}
    for getter, func, told in (
        ("default_search_engine", "match_in_list", {"expected": ["Bing"]}),
        ("default_search_engine", "match_in_list", {"expected": ["Google"]}),
        ("chrome_font_size", "check_font_size", {"type": "range", "min": 16, "max": 99}),
        ("chrome_font_size", "check_font_size", {"type": "value", "value": 16}),
        ("profile_name", "exact_match", {"expected": "Thomas"}),
        ("enable_do_not_track", "exact_match", {"expected": "true"}),
        ("enable_enhanced_safety_browsing", "exact_match", {"expected": "true"}),
        ("enable_safe_browsing", "exact_match", {"expected": "false"}),
        ("new_startup_page", "exact_match", {"expected": "true"}),
        ("data_delete_automacally", "exact_match", {"expected": "true"}),
        ("find_unpacked_extension_path", "is_in_list", {"expected": "x"}),
        ("find_installed_extension_name", "is_expected_installed_extensions", {"expected": ["x"]}),
    ):
        yield _one(f"{getter} {json.dumps(told)}", func, {"type": getter}, rule(told), files=prefs)
        yield _one(f"{getter} {json.dumps(told)} without a profile", func, {"type": getter}, rule(told))
    state = {f"{CHROME}/Local State": "Local State"}
    yield _one(
        "experiments",
        "check_enabled_experiments",
        {"type": "enabled_experiments"},
        rule({"type": "names", "names": ["smooth"]}),
        files=state,
    )
    yield _one("language", "exact_match", {"type": "chrome_language"}, rule({"expected": "de"}), files=state)
    marks = {f"{CHROME}/Default/Bookmarks": "Bookmarks"}
    for name, told, files in (
        ("folders", {"type": "bookmark_bar_folders_names", "names": ["Favorites", "Liked Authors"]}, marks),
        ("other folders", {"type": "bookmark_bar_folders_names", "names": ["Favorites"]}, marks),
        ("sites", {"type": "bookmark_bar_websites_urls", "urls": ["https://a.example/"]}, marks),
        ("authors", {"type": "liked_authors_websites_urls", "urls": [["https://ada.example/", "b"]]}, marks),
        ("bad rule", {"type": "x"}, marks),
        ("no bookmarks", {"type": "x"}, {}),
    ):
        yield _one(name, "is_expected_bookmarks", {"type": "bookmarks"}, rule(told), files=files)
    past = {f"{CHROME}/Default/History": "History", f"{CHROME}/Default/Cookies": "Cookies"}
    for name, told, files in (
        ("deleted", ["video"], past),
        ("not deleted", ["shop"], past),
        ("no history", ["shop"], {}),
    ):
        yield _one(
            name,
            "check_history_deleted",
            {"type": "history", "dest": "h.sqlite"},
            rule({"type": "keywords", "keywords": told}),
            files=files,
        )
    for name, told, files in (
        ("deleted", [".other.example"], past),
        ("not deleted", [".shop.example"], past),
        ("no cookies", ["x"], {}),
    ):
        yield _one(
            name,
            "is_cookie_deleted",
            {"type": "cookie_data", "dest": "c.sqlite"},
            rule({"type": "domains", "domains": told}),
            files=files,
        )
    desk = {"type": "directory", "name": "Desktop", "children": [{"type": "file", "name": "app.desktop"}]}
    for name, told in (
        ("by name", {"type": "name", "name": "Play"}),
        ("by program", {"type": "exec", "exec": "x"}),
        ("by address", {"type": "url"}),
    ):
        yield _one(
            name,
            "is_shortcut_on_desktop",
            {"type": "shortcuts_on_desktop"},
            rule(told),
            files={f"{HOME}/Desktop/app.desktop": "app.desktop"},
            folders={f"{HOME}/Desktop": desk},
        )


def _getters() -> Iterator[Case]:
    yield _one(
        "cache_file", "check_list", {"type": "cache_file", "path": "a.txt"}, rule({"expect": ["two"]}), cache=("a.txt",)
    )
    yield _one(
        "cache_file that is not there", "check_list", {"type": "cache_file", "path": "b.txt"}, rule({"expect": ["two"]})
    )
    yield _one(
        "content_from_vm_file",
        "literal_match",
        {"type": "content_from_vm_file", "path": f"{HOME}/a.xlsx", "file_type": "xlsx", "file_content": "last_row"},
        rule(["Plum", "7", "2.123456"]),
        options={"type": "list"},
        files={f"{HOME}/a.xlsx": "a.xlsx"},
    )
    yield _one(
        "content_from_vm_file of another type",
        "exact_match",
        {"type": "content_from_vm_file", "path": f"{HOME}/a.csv", "file_type": "csv", "file_content": "x"},
        rule({"expected": "x"}),
        files={f"{HOME}/a.csv": "a.csv"},
    )
    yield _one("cloud_file that is not there", "exact_match", rule({"a": 1}), gold("nowhere.txt"))
    yield _one(
        "cloud_file that is cached",
        "compare_text_file",
        vm("a.txt"),
        gold("nowhere.txt", "a_same.txt"),
        files={f"{HOME}/a.txt": "a.txt"},
        cache=("a_same.txt",),
    )
    many = {
        "type": "vm_file",
        "path": [f"{HOME}/a.txt", f"{HOME}/b.txt"],
        "dest": ["a.txt", "b.txt"],
        "multi": True,
        "gives": [0, 1],
    }
    gone = {
        "type": "cloud_file",
        "path": [f"{SHARED}/a.txt", f"{SHARED}/a_near.txt"],
        "dest": ["ga.txt", "gb.txt"],
        "multi": True,
        "gives": [0, 1],
    }
    yield _one(
        "several files",
        "check_thunderbird_folder",
        many,
        gone,
        files={f"{HOME}/a.txt": "a.txt", f"{HOME}/b.txt": "a_near.txt"},
    )
    yield _one("several files, one missing", "check_thunderbird_folder", many, gone, files={f"{HOME}/a.txt": "a.txt"})
    yield _one(
        "one of several",
        "compare_text_file",
        {**many, "gives": [1]},
        gold("a_near.txt"),
        files={f"{HOME}/b.txt": "a_near.txt"},
    )
    yield _one(
        "vm_screen_size", "exact_match", {"type": "vm_screen_size"}, rule({"expected": {"width": 1920, "height": 1080}})
    )
    yield _one(
        "vm_window_size",
        "exact_match",
        {"type": "vm_window_size", "app_class_name": "vlc"},
        rule({"expected": {"width": 800, "height": 600}}),
        window=(800, 600),
    )
    yield _one(
        "vm_window_size of no window",
        "exact_match",
        {"type": "vm_window_size", "app_class_name": "vlc"},
        rule({"expected": None}),
    )
    yield _one(
        "vm_wallpaper", "compare_text_file", {"type": "vm_wallpaper", "dest": "w.txt"}, gold("a.txt"), wallpaper="a.txt"
    )
    yield _one(
        "vm_wallpaper of none", "compare_text_file", {"type": "vm_wallpaper", "dest": "w.txt"}, gold("empty.txt")
    )
    yield _one(
        "vm_terminal_output",
        "check_include_exclude",
        {"type": "vm_terminal_output"},
        rule({"include": ["$"]}),
        terminal="user@x$ ",
    )
    yield _one(
        "time_diff_range",
        "exact_match",
        {"type": "time_diff_range", "diff_range_in_minutes": "5"},
        rule({"expected": "5"}),
    )
    yield _one(
        "rule_relativeTime",
        "exact_match",
        rule("x"),
        {
            "type": "rule_relativeTime",
            "rules": {
                "relativeTime": {"from": "5th next month"},
                "timezone": "Europe/Zurich",
                "expected": {"time": "{Year}-{Month0D}-{DayD}"},
            },
        },
    )
    yield _one(
        "vlc_config",
        "check_list",
        {"type": "vlc_config", "dest": "vlcrc"},
        rule({"expect": ["^qt-max-volume=200"]}),
        files={f"{HOME}/.config/vlc/vlcrc": "vlcrc"},
    )
    yield _one(
        "vlc_config that is not there", "check_list", {"type": "vlc_config", "dest": "vlcrc"}, rule({"expect": ["x"]})
    )
    yield _one(
        "vlc_playing_info",
        "check_list",
        {"type": "vlc_playing_info", "dest": "s.xml"},
        rule({"expect": ["song.mp3"]}),
        files={"status.xml": "status.xml"},
    )
    yield _one(
        "vlc_playing_info of none",
        "check_list",
        {"type": "vlc_playing_info", "dest": "s.xml"},
        rule({"expect": ["song.mp3"]}),
    )
    yield _one(
        "default_video_player",
        "exact_match",
        {"type": "default_video_player"},
        rule({"expected": "vlc.desktop\n"}),
        outputs={"xdg-mime": "vlc.desktop\n"},
    )
    yield _one(
        "gimp_config_file",
        "check_list",
        {"type": "gimp_config_file", "file_name": "gimprc", "dest": "g"},
        rule({"expect": ["Dark"]}),
        files={f"{HOME}/.config/GIMP/2.10/gimprc": "gimprc"},
    )
    yield _one(
        "vscode_config",
        "check_list",
        {"type": "vscode_config", "vscode_extension_command": "Open", "path": f"{HOME}/a.txt", "dest": "v.txt"},
        rule({"expect": ["two"]}),
        files={f"{HOME}/a.txt": "a.txt"},
        outputs={"pyautogui": ""},
    )
    yield _one(
        "background_image_in_slide of none",
        "exact_match",
        {"type": "background_image_in_slide", "ppt_file_path": f"{HOME}/a.pptx", "slide_index": 0, "dest": "b.png"},
        rule({"expected": None}),
        files={f"{HOME}/a.pptx": "a.pptx"},
    )
    yield _one(
        "audio_in_slide of none",
        "exact_match",
        {"type": "audio_in_slide", "ppt_file_path": f"{HOME}/a.pptx", "slide_index": 0, "dest": "b.wav"},
        rule({"expected": None}),
        files={f"{HOME}/a.pptx": "a.pptx"},
    )
    yield _one(
        "audio_in_slide of a file that is missing",
        "exact_match",
        {"type": "audio_in_slide", "ppt_file_path": f"{HOME}/a.pptx", "slide_index": 0, "dest": "b.wav"},
        rule({"expected": None}),
    )


def _joined() -> Iterator[Case]:
    here, there = vm("a.txt"), vm("b.txt")
    files = {f"{HOME}/a.txt": "a.txt", f"{HOME}/b.txt": "a_near.txt"}

    def joined(name: str, conj: str | None, wants: tuple[str, str], results: list[Any], **more: Any) -> Case:
        evaluator: dict[str, Any] = {
            "func": ["diff_text_file", "diff_text_file"],
            "result": results,
            "expected": [gold(one) for one in wants],
        }
        if conj is not None:
            evaluator["conj"] = conj
        return Case(f"joined: {name}", evaluator, **more)

    yield joined("and, both", "and", ("a.txt", "a_near.txt"), [here, there], files=files)
    yield joined("and is the default, one in part", None, ("a.txt", "a.txt"), [here, there], files=files)
    yield joined("and, one is 0", "and", ("word_gold.txt", "a.txt"), [here, there], files=files)
    yield joined("or, the first", "or", ("a.txt", "nowhere.txt"), [here, there], files=files)
    yield joined("or, the better", "or", ("word_gold.txt", "a.txt"), [here, there], files=files)
    yield joined("or, neither", "or", ("word_gold.txt", "word_gold.txt"), [here, there], files=files)
    deck = {"type": "audio_in_slide", "ppt_file_path": f"{HOME}/c.pptx", "slide_index": 0, "dest": "c"}
    lost = {"type": "conference_city_in_order", "csv_path": "/nowhere/at/all.csv"}
    yield joined("and, a getter finds no file", "and", ("a.txt", "a.txt"), [here, lost], files=files)
    yield joined("or, the first getter finds no file", "or", ("a.txt", "a.txt"), [lost, here], files=files)
    yield joined("or, the second getter finds no file", "or", ("word_gold.txt", "a.txt"), [here, lost], files=files)
    yield joined("or, a getter breaks", "or", ("word_gold.txt", "a.txt"), [here, deck], files=files)
    yield Case(
        "joined: no expected, options for each",
        {
            "func": ["check_presenter_console_disable", "check_left_panel"],
            "result": [vm("s.xcu"), {"type": "accessibility_tree"}],
            "options": [{}, None],
            "conj": "and",
        },
        files={f"{HOME}/s.xcu": "settings.xcu"},
        tree=TREE,
    )
    yield _one("a getter finds no file", "exact_match", lost, rule({"expected": 1}))


def _media() -> Iterator[Case]:
    """Pictures, sounds and players' settings, most of which need the full set."""
    told: Any
    for func in (
        "check_structure_sim",
        "check_structure_sim_resized",
        "check_brightness_decrease_and_structure_sim",
        "check_contrast_increase_and_structure_sim",
        "check_saturation_increase_and_structure_sim",
        "check_file_exists_and_structure_sim",
        "check_image_mirror",
        "check_green_background",
        "check_sharper",
        "compare_images",
        "compare_image_list",
        "check_palette_and_structure_sim",
    ):
        for made in ("scene_same.png", "scene_dark.png", "scene_mirror.png", "small.png", "broken.png", ""):
            yield _file(made or "missing", func, made, gold("scene.png"))
    for name, told in (("right", {"height": 48, "width": 64}), ("wrong", {"height": 50})):
        yield _file(name, "check_image_size", "scene.png", rule(told))
    yield _file("small", "check_image_file_size", "scene.png", rule({"max_size": 50_000}))
    yield _file("large", "check_image_file_size", "scene.png", rule({"max_size": 5}))
    yield _file("centred", "check_triangle_position", "triangle.png")
    yield _file("none", "check_triangle_position", "grey.png")
    yield _file("text", "check_textbox_on_leftside", "scene.png")
    yield _file(
        "set",
        "check_config_status",
        "gimprc",
        rule({"type": "key-value", "key": "theme", "value": '"Dark"'}),
    )
    yield _file(
        "other",
        "check_config_status",
        "gimprc",
        rule({"type": "key-value", "key": "theme", "value": '"Light"'}),
    )
    for func, told in (
        ("check_qt_bgcone", {"expected_qt_bgcone": 0}),
        ("check_qt_minimal_view", {"expected_qt_minimal_view": 1}),
        ("check_qt_max_volume", {"expected_qt_max_volume": 200}),
        ("check_qt_slider_colours", {"type": "match", "expected_qt_slider_colours": "x"}),
        ("check_global_key_play_pause", {"expected_global_key_play_pause": 1}),
        ("check_one_instance_when_started_from_file", {"expected_one_instance_when_started_from_file": 0}),
        ("is_vlc_recordings_folder", {"recording_file_path": "/home/user/Desktop"}),
    ):
        for made in ("vlcrc", "vlcrc_bare"):
            yield _file(made, func, made, rule(told))
    for name, told in (
        ("file", {"type": "file_name", "file_name": "song.mp3"}),
        ("url", {"type": "url", "url": "http://x"}),
    ):
        yield _file(name, "is_vlc_playing", "status.xml", rule(told))
    for name, size in (("full", (1920, 1080)), ("not full", (800, 600))):
        yield _one(
            name,
            "is_vlc_fullscreen",
            {"type": "vm_window_size", "app_class_name": "vlc"},
            {"type": "vm_screen_size"},
            window=size,
        )
    for made in ("tone_same.wav", "tone_other.wav", "a.txt", ""):
        yield _file(made or "missing", "compare_audios", made, gold("tone.wav"))
    for func in ("compare_pdfs", "compare_pdf_images"):
        for made in ("a_same.pdf", "a_other.pdf", "broken.pdf"):
            yield _file(made, func, made, gold("a.pdf", "g.pdf"))
    for name, told in (("two", {"relation": "eq", "ref_value": 2}), ("more", {"relation": "gt", "ref_value": 2})):
        yield _file(name, "check_pdf_pages", "a.pdf", rule(told))
    yield _file("coloured", "evaluate_colored_words_in_tables", "a_coloured.docx", gold("a_coloured.docx"))
