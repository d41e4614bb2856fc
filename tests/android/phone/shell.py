"""What the phone's shell makes of a command line: quotes, expansions, lists, pipes and redirections, as mksh reads them.

It is here so that a fault in quoting shows: whatever stands unquoted in a line is split, expanded and executed, as on a
phone. Left out, and refused loudly: reserved words (`if`, `for`...), arithmetic, here-documents.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

NAME = "/system/bin/sh"
_RESERVED = frozenset(
    {
        "if",
        "then",
        "else",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "function",
        "select",
        "[[",
        "!",
        "time",
    }
)


@dataclass
class Result:
    """How a program ended."""

    code: int = 0
    out: bytes = b""
    err: bytes = b""


class SyntaxFault(Exception):
    """The line is no command: nothing of it is executed."""


class Files(Protocol):
    """The file system as the shell needs it."""

    def read(self, path: str) -> bytes | None: ...

    def write(self, path: str, data: bytes, append: bool = False) -> bool: ...

    def names(self) -> Sequence[str]: ...


Run = Callable[[list[str], bytes], Awaitable[Result]]


@dataclass
class Part:
    """A piece of a word: text as it is, a variable, or a command whose output stands there."""

    kind: str
    text: str
    quoted: bool


@dataclass
class Redirect:
    what: str
    """`<`, `>`, `>>`, `2>`, `2>>`, `2>&1` or `>&2`."""
    word: list[Part] = field(default_factory=list)


@dataclass
class Command:
    words: list[list[Part]] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    group: Script | None = None


@dataclass
class Script:
    """Pipelines with what stands before each: `;`, `&&` or `||`."""

    steps: list[tuple[str, list[Command]]] = field(default_factory=list)


class Reader:
    """From characters to a `Script`. Nothing is executed here."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def script(self, until: str = "") -> Script:
        found = Script()
        joined = ";"
        while True:
            self._blank(lines=joined == ";")
            if self._at >= len(self._line) or (until and self._peek() == until):
                if joined in ("&&", "||"):
                    raise SyntaxFault("syntax error: unexpected end of file")
                return found
            found.steps.append((joined, self._pipeline(until)))
            self._blank()
            joined = self._joined(until)

    def _joined(self, until: str) -> str:
        for sign in ("&&", "||"):
            if self._line.startswith(sign, self._at):
                self._at += 2
                return sign
        char = self._peek()
        if char and char in ";&\n":
            self._at += 1
            return ";"
        if char and char != until:
            raise SyntaxFault(f"syntax error: unexpected '{char}'")
        return ";"

    def _pipeline(self, until: str) -> list[Command]:
        commands = [self._command(until)]
        while True:
            self._blank()
            if self._peek() != "|" or self._line.startswith("||", self._at):
                return commands
            self._at += 1
            self._blank(lines=True)
            commands.append(self._command(until))

    def _command(self, until: str) -> Command:
        found = Command()
        while True:
            self._blank()
            char = self._peek()
            if not char or char in ";&|\n" or char == until:
                break
            if char == "(" and not found.words and found.group is None:
                self._at += 1
                found.group = self.script(")")
                self._expect(")")
            elif char in "()":
                raise SyntaxFault(f"syntax error: unexpected '{char}'")
            elif redirect := self._redirect():
                found.redirects.append(redirect)
            elif found.group is not None:
                raise SyntaxFault("syntax error: unexpected word after ')'")
            else:
                found.words.append(self._word())
        if not found.words and found.group is None and not found.redirects:
            raise SyntaxFault(f"syntax error: unexpected '{self._peek() or 'end of file'}'")
        first = found.words[0] if found.words else []
        if len(first) == 1 and not first[0].quoted and first[0].text in (*_RESERVED, "{", "}"):
            raise SyntaxFault(f"the virtual phone's shell knows no `{first[0].text}`")
        return found

    def _redirect(self) -> Redirect | None:
        found = re.compile(r"2>&1|1?>&2|2>>|2>|1?>>|1?>|<<|<").match(self._line, self._at)
        if not found:
            return None
        sign = found.group().removeprefix("1") if found.group() != "1" else ""
        if sign == "<<":
            raise SyntaxFault("the virtual phone's shell knows no here-documents")
        self._at = found.end()
        if sign in ("2>&1", ">&2"):
            return Redirect(sign)
        self._blank()
        if not self._peek() or self._peek() in ";&|\n<>()":
            raise SyntaxFault(f"syntax error: unexpected '{self._peek() or 'newline'}'")
        return Redirect(sign, self._word())

    def _word(self) -> list[Part]:
        parts: list[Part] = []
        plain = ""
        while (char := self._peek()) and char not in " \t\n;&|<>()":
            if char in "'\"\\$`":
                if plain:
                    parts.append(Part("text", plain, False))
                    plain = ""
                parts += self._special(char)
            else:
                plain += char
                self._at += 1
        if plain:
            parts.append(Part("text", plain, False))
        return parts

    def _special(self, char: str) -> list[Part]:
        self._at += 1
        match char:
            case "'":
                return [Part("text", self._up_to("'"), True)]
            case '"':
                return self._double()
            case "\\":
                if self._at >= len(self._line):
                    return [Part("text", "\\", True)]
                self._at += 1
                escaped = self._line[self._at - 1]
                return [] if escaped == "\n" else [Part("text", escaped, True)]
            case "`":
                return [Part("run", re.sub(r"\\([`$\\])", r"\1", self._up_to("`")), False)]
            case _:
                return [self._dollar(False)]

    def _double(self) -> list[Part]:
        parts: list[Part] = []
        plain = ""
        while True:
            char = self._peek()
            if not char:
                raise SyntaxFault("no closing quote")
            self._at += 1
            if char == '"':
                break
            if char == "\\" and self._peek() and self._peek() in '$`"\\\n':
                plain += "" if self._peek() == "\n" else self._peek()
                self._at += 1
            elif char in "$`":
                parts.append(Part("text", plain, True))
                plain = ""
                run = char == "`"
                parts.append(Part("run", self._up_to("`"), True) if run else self._dollar(True))
            else:
                plain += char
        parts.append(Part("text", plain, True))
        return parts

    def _dollar(self, quoted: bool) -> Part:
        rest = self._line[self._at :]
        if rest.startswith("(("):
            raise SyntaxFault("the virtual phone's shell knows no arithmetic")
        if rest.startswith("("):
            self._at += 1
            start = self._at
            self.script(")")
            self._expect(")")
            return Part("run", self._line[start : self._at - 1], quoted)
        if rest.startswith("'") and not quoted:
            self._at += 1
            return Part("text", _ansi(self._up_to("'")), True)
        if found := re.match(r"\{(\w+)(?:[^}]*)\}|(\w+|[?$!#@*])", rest):
            self._at += found.end()
            return Part("variable", found[1] or found[2], quoted)
        return Part("text", "$", quoted)

    def _up_to(self, sign: str) -> str:
        end = self._line.find(sign, self._at)
        if end < 0:
            raise SyntaxFault("no closing quote")
        text, self._at = self._line[self._at : end], end + 1
        return text

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise SyntaxFault(f"syntax error: '{sign}' unmatched")
        self._at += 1

    def _peek(self) -> str:
        return self._line[self._at : self._at + 1]

    def _blank(self, lines: bool = False) -> None:
        while True:
            char = self._peek()
            if char and char in (" \t\n" if lines else " \t"):
                self._at += 1
            elif self._line.startswith("\\\n", self._at):
                self._at += 2
            elif char == "#" and (self._at == 0 or self._line[self._at - 1] in " \t\n;&|("):
                end = self._line.find("\n", self._at)
                self._at = len(self._line) if end < 0 else end
            else:
                return


def _ansi(text: str) -> str:
    simple = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "e": "\x1b"}

    def read(found: re.Match[str]) -> str:
        said = found[1]
        return chr(int(said[1:], 16)) if said[0] in "xu" and len(said) > 1 else simple.get(said, said)

    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|.)", read, text)


class Shell:
    """Executes scripts. `run` is what a program is asked by: its words, and what comes in."""

    def __init__(self, files: Files, run: Run, variables: dict[str, str]) -> None:
        self._files = files
        self._run = run
        self._variables = dict(variables)
        self._last = 0

    async def execute(self, line: str, came: bytes = b"") -> Result:
        """The whole line, as `sh -c` does it."""
        try:
            script = Reader(line).script()
        except SyntaxFault as fault:
            return Result(1, err=f"{NAME}: {fault}\n".encode())
        try:
            return await self._script(script, came)
        except _Exit as left:
            return left.result

    async def _script(self, script: Script, came: bytes) -> Result:
        whole = Result()
        for joined, pipeline in script.steps:
            if (joined == "&&" and whole.code) or (joined == "||" and not whole.code):
                continue
            try:
                found = await self._pipeline(pipeline, came)
            except _Exit as left:
                raise _Exit(
                    Result(left.result.code, whole.out + left.result.out, whole.err + left.result.err)
                ) from None
            whole = Result(found.code, whole.out + found.out, whole.err + found.err)
            self._last = found.code
        return whole

    async def _pipeline(self, commands: list[Command], came: bytes) -> Result:
        err = b""
        found = Result(out=came)
        for command in commands:
            found = await self._command(command, found.out)
            err += found.err
        return Result(found.code, found.out, err)

    async def _command(self, command: Command, came: bytes) -> Result:
        words = [word for parts in command.words for word in await self._expanded(parts)]
        for redirect in command.redirects:
            if redirect.what == "<":
                path = "".join(await self._expanded(redirect.word))
                data = self._files.read(path)
                if data is None:
                    return Result(1, err=f"{NAME}: can't open {path}: No such file or directory\n".encode())
                came = data
        if command.group is not None:
            found = await self._script(command.group, came)
        else:
            found = await self._simple(words, came)
        return await self._redirected(command, found)

    async def _simple(self, words: list[str], came: bytes) -> Result:
        while words and (given := re.match(r"([A-Za-z_]\w*)=(.*)", words[0], re.DOTALL)):
            self._variables[given[1]] = given[2]
            words = words[1:]
        if not words:
            return Result(0)
        if words[0] == "exit":
            raise _Exit(Result(int(words[1]) % 256 if len(words) > 1 and words[1].isdigit() else self._last))
        return await self._run(words, came)

    async def _redirected(self, command: Command, found: Result) -> Result:
        for redirect in command.redirects:
            match redirect.what:
                case "2>&1":
                    found = Result(found.code, found.out + found.err)
                case ">&2":
                    found = Result(found.code, b"", found.err + found.out)
                case ">" | ">>" | "2>" | "2>>":
                    path = "".join(await self._expanded(redirect.word))
                    two = redirect.what.startswith("2")
                    data = found.err if two else found.out
                    if not self._files.write(path, data, append=redirect.what.endswith(">>")):
                        return Result(1, err=f"{NAME}: can't create {path}: Permission denied\n".encode())
                    found = Result(found.code, found.out if two else b"", b"" if two else found.err)
        return found

    async def _expanded(self, parts: list[Part]) -> list[str]:
        """One word as it was written becomes none, one or several: expansion, splitting, file names."""
        fields: list[list[tuple[str, bool]]] = [[]]
        quoted = False
        for part in parts:
            quoted |= part.quoted
            if part.kind == "text":
                fields[-1].append((part.text, part.quoted))
                continue
            text = self._value(part.text) if part.kind == "variable" else await self._output(part.text)
            if part.quoted:
                fields[-1].append((text, True))
                continue
            pieces = text.split()
            if not pieces:
                continue
            fields[-1].append((pieces[0], False))
            fields += [[(piece, False)] for piece in pieces[1:]]
        words = [word for pieces in fields if pieces for word in self._globbed(pieces)]
        return words or ([""] if quoted else [])

    def _value(self, name: str) -> str:
        return str(self._last) if name == "?" else self._variables.get(name, "")

    async def _output(self, line: str) -> str:
        inner = Shell(self._files, self._run, self._variables)
        return (await inner.execute(line)).out.decode("utf-8", "replace").rstrip("\n")

    def _globbed(self, pieces: list[tuple[str, bool]]) -> list[str]:
        text = "".join(piece for piece, _ in pieces)
        if not any(not quoted and re.search(r"[*?\[]", piece) for piece, quoted in pieces):
            return [text]
        pattern = "".join(re.sub(r"([*?\[])", r"[\1]", piece) if quoted else piece for piece, quoted in pieces)
        depth = pattern.count("/")
        found = [
            name for name in self._files.names() if name.count("/") == depth and fnmatch.fnmatchcase(name, pattern)
        ]
        return sorted(found) or [text]


class _Exit(Exception):
    def __init__(self, result: Result) -> None:
        self.result = result
