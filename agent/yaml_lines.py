"""YAML with line numbers: plain values, and for each of them the line it was written on.

A small YAML: one document of mappings with text keys, lists, text, whole and decimal numbers, `true`, `false` and
`null`. Unlike PyYAML's own loader it reads no dates, no `yes`/`no`/`on`/`off` and no base-60 numbers, so that
`NO` stays a country and `12:30` a time; every such word is text. It knows nothing about tasks.

Size, depth and the number of values are bounded, aliases included, so that a small file cannot grow into a large
value. It does not protect against a file that changes while it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "Document", "Path", "YamlProblem", "read_yaml"]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24
MAX_VALUES = 10_000

Path = tuple[str | int, ...]
"""Keys and list indexes that lead from the top of a document to a value."""


class YamlProblem(Exception):
    """The text is not the small YAML of this module. `line` counts from 1; 0 where no line is to blame."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """A value and where its parts were written."""

    value: object
    lines: Mapping[Path, int] = field(repr=False)
    """For a mapping's entry the line of its key, for a list's item the line where it begins; 1 is the first."""

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest part around it that was written down."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(data: bytes) -> Document:
    """The one document in `data`, UTF-8.

    Raises:
        YamlProblem: anything else, in one line.
    """
    text = _decoded(data)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        raise _translated(error, text) from None
    finally:
        loader.dispose()
    if root is None:
        raise YamlProblem("the file is empty")
    lines: dict[Path, int] = {}
    return Document(_Values(lines, text).value(root, ()), lines)


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise YamlProblem(f"the file is {len(data):,} bytes long, at most {MAX_BYTES:,} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlProblem("the file is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if bad := yaml.reader.Reader.NON_PRINTABLE.search(line):
            raise YamlProblem(f"the character U+{ord(bad.group()):04X} is not allowed", number)
        if line[: len(line) - len(line.lstrip())].count("\t") and not line.isspace():
            raise YamlProblem("a tab in the indentation, use spaces", number)
    return text


class _Loader(yaml.SafeLoader):
    """Composes nodes to a bounded depth and resolves only the scalars of this module."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise YamlProblem(f"nested more than {MAX_DEPTH} deep", line)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _tag, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("int", r"-?(?:0|[1-9][0-9]{0,17})\Z", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}\Z", "-0123456789"),
    ("null", r"(?:~|null|Null|NULL|)\Z", "~nN\0"),
    ("merge", r"<<\Z", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), ["" if first == "\0" else first for first in _first]
    )


class _Values:
    """Turns nodes into values, counting them; `lines` fills up on the way."""

    def __init__(self, lines: dict[Path, int], text: str) -> None:
        self._lines = lines
        self._text = text
        self._count = 0

    def value(self, node: yaml.Node, path: Path) -> object:
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)
        self._count += 1
        if self._count > MAX_VALUES:
            raise YamlProblem(f"more than {MAX_VALUES:,} values, aliases counted each time they are used", line)
        if len(path) > MAX_DEPTH:
            raise YamlProblem("an alias leads back to itself, or values are nested too deep", line)
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(item, (*path, key)) for key, item in self._entries(node, path)}
        if isinstance(node, yaml.SequenceNode):
            self._plain(node, "seq")
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        self._plain(node, "map")
        first: dict[str, int] = {}
        for key_node, item in node.value:
            line = key_node.start_mark.line + 1
            key = self._key(key_node)
            if key in first:
                raise YamlProblem(f"the key `{key}` is given twice, first on line {first[key]}", line)
            first[key] = line
            self._lines[(*path, key)] = line
            yield key, item

    def _key(self, node: yaml.Node) -> str:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode) and self._text.startswith("{{", node.start_mark.index - 1):
            raise YamlProblem("a text that begins with `{{` must stand in quotes", line)
        if node.tag == "tag:yaml.org,2002:merge":
            raise YamlProblem("merge keys (`<<`) are not read, write the entries out", line)
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
            shown = f"`{node.value}` " if isinstance(node, yaml.ScalarNode) else ""
            raise YamlProblem(f"the key {shown}is not text; if it is meant as text, put it in quotes", line)
        return str(node.value)

    def _plain(self, node: yaml.Node, kind: str) -> None:
        if node.tag != f"tag:yaml.org,2002:{kind}":
            raise YamlProblem(f"the tag `{node.tag}` is not read", node.start_mark.line + 1)

    def _scalar(self, node: yaml.Node) -> str | int | float | bool | None:
        text = str(node.value)
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str" | "merge":
                return self._text_value(text, node)
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int" if re.fullmatch(r"-?[0-9]{1,18}", text):
                return int(text)
            case "float" if re.fullmatch(r"-?[0-9]{1,18}\.[0-9]{1,17}", text):
                return float(text)
            case "null":
                return None
        raise YamlProblem(f"the tag `{node.tag}` is not read", node.start_mark.line + 1)

    def _text_value(self, text: str, node: yaml.Node) -> str:
        """The text itself; an escape may have written half a character."""
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise YamlProblem("a text holds half of a surrogate pair", node.start_mark.line + 1)
        return text


_HINTS = (
    ("mapping values are not allowed", "`: ` inside a text; put the text in quotes"),
    ("could not find expected ':'", "expected `:` after a key"),
    ("found undefined alias", "an alias without its anchor; a text that begins with `*` must stand in quotes"),
    ("found duplicate anchor", "an anchor (`&name`) is given twice"),
    ("expected a single document", "more than one document (`---`) in the file"),
    ("found unexpected end of stream", "a quote is opened and not closed"),
    ("expected ',' or '}'", "expected `,` or `}`"),
    ("expected ',' or ']'", "expected `,` or `]`"),
    ("found unknown escape character", "unknown `\\` escape in a quoted text; use single quotes for patterns"),
    ("expected alphabetic or numeric", "a text that begins with `*` or `&` must stand in quotes"),
    ("'\\t' that cannot start", "a tab where a value begins, use spaces"),
    ("that cannot start any token", "a text that begins with this character must stand in quotes"),
    ("expected a comment or a line break", "the text after `|` or `>` begins on the next line"),
    ("expected chomping", "the text after `|` or `>` begins on the next line"),
    ("expected the node content", "a value is missing, or a text with `?`, `:`, `,` or a bracket must stand in quotes"),
    ("could not determine a constructor", "tags (`!name`) are not read"),
    ("undefined tag handle", "tags (`!name`) are not read"),
)


def _translated(error: yaml.YAMLError, text: str) -> YamlProblem:
    """PyYAML's complaint in our words, with line and column."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or error).replace("\n", " ")
    context = str(getattr(error, "context", None) or "")
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    start = getattr(error, "context_mark", None)
    said = next((said for sign, said in _HINTS if sign in problem or sign in context), "")
    if "expected <block end>" in problem or "expected '<document start>'" in problem:
        said = _misplaced(text, line)
    if said.startswith("a quote") and start is not None:
        line, column = start.line + 1, start.column + 1
    where = f" (column {column})" if column else ""
    return YamlProblem(f"not valid YAML: {said or problem}{where}", line)


def _misplaced(text: str, line: int) -> str:
    """Why a block did not end: most often a template at the beginning of a text, or crooked indentation."""
    written = text.split("\n")[line - 1].strip() if 0 < line <= text.count("\n") + 1 else ""
    if re.search(r"(?:^|[-:]\s+)\{\{", written):
        return "a text that begins with `{{` must stand in quotes"
    if re.search(r"(?:^-?|:)\s*(\"[^\"]*\"|'[^']*')\s*\S", written):
        return "text after a closing quote; put the whole text in quotes"
    return "the indentation does not fit the lines above"
