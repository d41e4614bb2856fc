"""The programs on the phone, as far as an actuator or a person at `adb shell` needs them. Each takes its words."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import re
import struct
from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tests.android.phone.device import BASE64
from tests.android.phone.shell import Result

if TYPE_CHECKING:
    from tests.android.phone.device import Phone

Program = Callable[["Phone", list[str], bytes], Awaitable[Result]]
PROGRAMS: dict[str, Program] = {}
_KEYS = {3: "HOME", 4: "BACK", 19: "DPAD_UP", 20: "DPAD_DOWN", 21: "DPAD_LEFT", 22: "DPAD_RIGHT", 26: "POWER", 61: "TAB", 62: "SPACE", 66: "ENTER", 67: "DEL", 82: "MENU", 112: "FORWARD_DEL", 113: "CTRL_LEFT", 122: "MOVE_HOME", 123: "MOVE_END", 223: "SLEEP", 224: "WAKEUP"}  # fmt: skip
_KEYS |= {29 + n: chr(65 + n) for n in range(26)} | {7 + n: str(n) for n in range(10)}


def program(*names: str) -> Callable[[Program], Program]:
    def kept(one: Program) -> Program:
        PROGRAMS.update(dict.fromkeys(names, one))
        return one

    return kept


def said(text: str, code: int = 0) -> Result:
    return Result(code, out=text.encode())


def fails(text: str, code: int = 1) -> Result:
    return Result(code, err=text.encode())


# ---------------------------------------------------------------- the screen


@program("screencap")
async def screencap(phone: Phone, words: list[str], came: bytes) -> Result:
    picture = phone.picture()
    if "-p" in words:
        import io

        out = io.BytesIO()
        picture.convert("RGB").save(out, "PNG", compress_level=6)
        return Result(out=out.getvalue())
    return Result(out=struct.pack("<4I", *picture.size, 1, 0) + picture.tobytes())


@program("uiautomator")
async def uiautomator(phone: Phone, words: list[str], came: bytes) -> Result:
    if words[:1] != ["dump"]:
        return fails("Usage: uiautomator <subcommand> [options]\n")
    for _ in range(100):
        if not phone.moving:
            break
        await sleep(0.02)
    else:
        return said("ERROR: could not get idle state.\n")
    path = next((word for word in words[1:] if not word.startswith("-")), "/sdcard/window_dump.xml")
    text = phone.dump()
    if not text:
        return said("ERROR: null root node returned by UiTestAutomationBridge.\n")
    phone.write_file(path, text.encode("utf-8", "surrogatepass"))
    return said(f"UI hierchary dumped to: {path}\n")


@program("wm")
async def wm(phone: Phone, words: list[str], came: bytes) -> Result:
    match words:
        case ["size"]:
            more = f"Override size: {phone.override_size[0]}x{phone.override_size[1]}\n" if phone.override_size else ""
            return said(f"Physical size: {phone.size[0]}x{phone.size[1]}\n{more}")
        case ["size", "reset"]:
            phone.override_size = None
        case ["size", to] if found := re.fullmatch(r"(\d+)x(\d+)", to):
            phone.override_size = (int(found[1]), int(found[2]))
        case ["density"]:
            more = f"Override density: {phone.override_density}\n" if phone.override_density else ""
            return said(f"Physical density: {phone.density}\n{more}")
        case ["density", "reset"]:
            phone.override_density = None
        case ["density", to] if to.isdigit():
            phone.override_density = int(to)
        case ["dismiss-keyguard"]:
            phone.locked = phone.locked and bool(phone.pin)
        case ["user-rotation", "lock", to]:
            phone.turn(int(to))
        case _:
            return fails("Window manager (window) commands: size density dismiss-keyguard user-rotation\n", 255)
    phone.changed()
    return Result()


# ---------------------------------------------------------------- input


@program("input")
async def input_(phone: Phone, words: list[str], came: bytes) -> Result:
    if words[:1] and words[0] in ("touchscreen", "keyboard", "mouse"):
        words = words[1:]
    try:
        return await _input(phone, words)
    except (ValueError, IndexError) as problem:
        return fails(f"Error: Invalid arguments for command: {' '.join(words[:1])}: {problem}\n", 255)


async def _input(phone: Phone, words: list[str]) -> Result:
    match words[0], words[1:]:
        case "tap", [x, y]:
            phone.tap(float(x), float(y))
        case "swipe" | "draganddrop" as kind, [x1, y1, x2, y2, *more]:
            move = phone.swipe if kind == "swipe" else phone.drag
            await move((float(x1), float(y1)), (float(x2), float(y2)), int(more[0] if more else 300) / 1000)
        case "text", [text, *_]:
            # the key map of a phone's virtual keyboard has no other characters, and `%s` stands for a space
            if not text.isascii() or any(char < " " for char in text):
                return fails(
                    "Exception occurred while executing 'text':\njava.lang.NullPointerException: Attempt to get length of null array\n",
                    255,
                )
            phone.write(text.replace("%s", " "))
        case "keyevent", keys:
            for key in [key for key in keys if key != "--longpress"]:
                phone.key(_key(key))
        case "keycombination", keys:
            phone.chord([_key(key) for key in keys])
        case _:
            raise ValueError("unknown command")
    return Result()


def _key(name: str) -> str:
    known = _KEYS.get(int(name)) if name.isdigit() else name.removeprefix("KEYCODE_")
    if known is None or not re.fullmatch(r"[A-Z0-9_]+", known):
        raise ValueError(f"unknown key {name}")
    return known


@program("ime")
async def ime(phone: Phone, words: list[str], came: bytes) -> Result:
    match words:
        case ["list", *how]:
            shown = [name for name, enabled in phone.keyboards.items() if enabled or "-a" in how]
            return said("".join(f"{name}\n" if "-s" in how else f"{name}:\n  mId={name}\n" for name in shown))
        case ["enable", name] if name in phone.keyboards:
            phone.keyboards[name] = True
            return said(f"Input method {name}: now enabled for user #0\n")
        case ["disable", name] if name in phone.keyboards:
            phone.keyboards[name] = False
            return said(f"Input method {name}: now disabled for user #0\n")
        case ["set", name]:
            if not phone.keyboards.get(name):
                return fails(f"Error: Input method {name} cannot be selected for user #0: Unknown input method\n")
            phone.settings["secure"]["default_input_method"] = name
            phone.changed()
            return said(f"Input method {name} selected for user #0\n")
    return fails("Error: Unknown command\n")


# ---------------------------------------------------------------- apps


@program("am")
async def am(phone: Phone, words: list[str], came: bytes) -> Result:
    match words:
        case ["start" | "start-activity", *rest] if "-n" in rest:
            package = rest[rest.index("-n") + 1].partition("/")[0]
            if phone.launch(package):
                return said(f"Starting: Intent {{ cmp={package}/.Main }}\nStatus: ok\nComplete\n")
            return said(
                f"Starting: Intent {{ cmp={package}/.Main }}\nError type 3\nError: Activity class {{{package}/.Main}} does not exist.\n"
            )
        case ["force-stop", package]:
            phone.stop(package)
        case ["broadcast", *rest]:
            return _broadcast(phone, rest)
        case _:
            return fails("Activity manager (activity) commands: start force-stop broadcast\n", 255)
    return Result()


def _broadcast(phone: Phone, words: list[str]) -> Result:
    """The keyboard that takes base64 is the only receiver here."""
    extras: dict[str, str] = {}
    action = package = ""
    at = 0
    while at < len(words):
        match words[at]:
            case "-a":
                action = words[at + 1]
            case "-p":
                package = words[at + 1]
            case "--es":
                extras[words[at + 1]] = words[at + 2]
                at += 1
            case other:
                return fails(f"Error: Unknown argument: {other}\n", 255)
        at += 2
    if phone.settings["secure"]["default_input_method"] == BASE64 and package in ("", BASE64.partition("/")[0]):
        if action == "ADB_INPUT_B64":
            text = base64.b64decode(extras.get("msg", ""), validate=True).decode("utf-8")
            phone.write(text)
        elif action == "ADB_CLEAR_TEXT" and phone.focused is not None:
            phone.focused.select_all()
            phone.focused.erase()
    return said(f"Broadcasting: Intent {{ act={action} }}\nBroadcast completed: result=0\n")


@program("monkey")
async def monkey(phone: Phone, words: list[str], came: bytes) -> Result:
    if "-p" in words and phone.launch(words[words.index("-p") + 1]):
        return said("Events injected: 1\n")
    return Result(252, out=b"** No activities found to run, monkey aborted.\n")


@program("pm")
async def pm(phone: Phone, words: list[str], came: bytes) -> Result:
    return _packages(phone, words)


@program("cmd")
async def cmd(phone: Phone, words: list[str], came: bytes) -> Result:
    return _packages(phone, words[1:]) if words[:1] == ["package"] else fails("cmd: Can't find service\n", 20)


def _packages(phone: Phone, words: list[str]) -> Result:
    match words:
        case ["list", "packages", *_]:
            return said("".join(f"package:{name}\n" for name in phone.apps))
        case ["resolve-activity", *rest]:
            package = rest[-1]
            if package not in phone.apps:
                return said("No activity found\n")
            return said(
                f"priority=0 preferredOrder=0 match=0x108000 specificIndex=-1 isDefault=true\n{package}/.{phone.apps[package].home().name}\n"
            )
        case ["path", package] if package in phone.apps:
            return said(f"package:/data/app/{package}/base.apk\n")
    return Result(1)


# ---------------------------------------------------------------- what the system says of itself


@program("dumpsys")
async def dumpsys(phone: Phone, words: list[str], came: bytes) -> Result:
    match words:
        case ["power", *_]:
            state = "Awake" if phone.awake else "Asleep"
            return said(
                f"POWER MANAGER (dumpsys power)\n\nPower Manager State:\n  mWakefulness={state}\n  mWakefulnessChanging=false\n"
            )
        case ["window", "policy"]:
            lock = f"  KeyguardServiceDelegate\n    showing={str(phone.locked).lower()}\n    inputRestricted=false\n    secure={str(bool(phone.pin)).lower()}\n"
            return said(f"WINDOW MANAGER POLICY STATE (dumpsys window policy)\n{lock}")
        case ["input"]:
            return said(_input_state(phone))
        case ["input_method"]:
            return said(_keyboard_state(phone))
        case ["battery"]:
            return said("Current Battery Service state:\n  level: 81\n")
    return fails(f"Can't find service: {' '.join(words)}\n", 0)


def _input_state(phone: Phone) -> str:
    width, height = phone.display
    natural = phone.override_size or phone.size
    lines = [
        "INPUT MANAGER (dumpsys input)",
        "",
        "Input Reader State:",
        f"    Viewport INTERNAL: displayId=0, uniqueId=local:0, port=0, orientation={phone.rotation}, logicalFrame=[0, 0, {width}, {height}],"
        f" physicalFrame=[0, 0, {width}, {height}], deviceSize=[{natural[0]}, {natural[1]}], isActive=[1]",
        "",
        "Input Dispatcher State:",
        "  FocusedApplications:",
        f"    displayId=0, name='ActivityRecord{{5c1f u0 {phone.front.package}/.{phone.front.screens[-1].name} t7}}', dispatchingTimeout=5000ms",
    ]
    focused = next((one for one in phone.windows() if one.focusable), None)
    lines += (
        ["  FocusedWindows:", f"    displayId=0, name='{_hash(focused.name)} {focused.name}'"]
        if focused
        else ["  FocusedWindows: <none>"]
    )
    lines += ["  Display: 0", "    Windows:"]
    for number, one in enumerate(phone.windows()):
        config = "0x0" if one.focusable else "NOT_FOCUSABLE"
        frame = f"[{one.frame[0]},{one.frame[1]}][{one.frame[2]},{one.frame[3]}]"
        lines.append(
            f"      {number}: name='{_hash(one.name)} {one.name}', id={number + 40}, displayId=0, inputConfig={config}, alpha=1.00,"
            f" frame={frame}, globalScale=1.000000, applicationInfo.name=, touchableRegion={frame}, ownerPid=812, ownerUid={_uid(one.package)}, dispatchingTimeout=5000ms"
        )
    return "\n".join(lines) + "\n"


def _uid(package: str) -> int:
    return 10000 + int(hashlib.sha256(package.encode()).hexdigest()[:4], 16) % 9999


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:7]


def _keyboard_state(phone: Phone) -> str:
    field = phone.focused
    kind = 0x1 | (0x20000 if field and field.lines else 0) | (0x80 if field and field.password else 0)
    action = {"search": 3, "send": 4, "next": 5, "done": 6}[field.action] if field else 0
    served = f"    inputType=0x{kind:x} imeOptions=0x{action:x} privateImeOptions=null\n" if field else ""
    current = phone.settings["secure"]["default_input_method"]
    return (
        f"Current Input Method Manager state:\n  mCurMethodId={current}\n  mInputShown={str(field is not None).lower()}\n"
        f"  mCurAttribute:\n{served}    packageName={phone.front.package} autofillId=null\n"
    )


@program("getprop")
async def getprop(phone: Phone, words: list[str], came: bytes) -> Result:
    if words:
        return said(phone.properties.get(words[0], "") + "\n")
    return said("".join(f"[{name}]: [{value}]\n" for name, value in phone.properties.items()))


@program("settings")
async def settings(phone: Phone, words: list[str], came: bytes) -> Result:
    match words:
        case ["get", space, name] if space in phone.settings:
            return said(phone.settings[space].get(name, "null") + "\n")
        case ["put", space, name, value] if space in phone.settings:
            phone.settings[space][name] = value
            if name == "user_rotation":
                phone.turn(int(value))
            phone.changed()
            return Result()
        case ["list", space] if space in phone.settings:
            return said("".join(f"{name}={value}\n" for name, value in phone.settings[space].items()))
    return fails("Invalid command\n", 255)


# ---------------------------------------------------------------- small tools


@program("echo")
async def echo(phone: Phone, words: list[str], came: bytes) -> Result:
    end = "" if words[:1] == ["-n"] else "\n"
    return said(" ".join(words[1:] if not end else words) + end)


@program("cat")
async def cat(phone: Phone, words: list[str], came: bytes) -> Result:
    if not words:
        return Result(out=came)
    found = [(path, phone.read(path)) for path in words]
    missing = [path for path, data in found if data is None]
    err = "".join(f"cat: {path}: No such file or directory\n" for path in missing).encode()
    return Result(1 if missing else 0, b"".join(data for _, data in found if data is not None), err)


@program("rm")
async def rm(phone: Phone, words: list[str], came: bytes) -> Result:
    for path in (word for word in words if not word.startswith("-")):
        phone.files.pop(path, None)
    return Result()


@program("touch")
async def touch(phone: Phone, words: list[str], came: bytes) -> Result:
    return (
        Result()
        if all(phone.write_file(path, b"", append=True) for path in words)
        else fails("touch: Permission denied\n")
    )


@program("ls")
async def ls(phone: Phone, words: list[str], came: bytes) -> Result:
    folder = next((word for word in words if not word.startswith("-")), "/").rstrip("/") + "/"
    inside = sorted({name[len(folder) :].split("/")[0] for name in phone.files if name.startswith(folder)})
    return said("".join(f"{name}\n" for name in inside))


@program("md5sum", "sha1sum", "sha256sum")
async def md5sum(phone: Phone, words: list[str], came: bytes) -> Result:
    data = phone.read(words[0]) if words else came
    name = {0: "-"}.get(len(words), words[0] if words else "-")
    return said(f"{hashlib.md5(data or b'').hexdigest()}  {name}\n")


@program("grep")
async def grep(phone: Phone, words: list[str], came: bytes) -> Result:
    flags = [word for word in words if word.startswith("-")]
    pattern = next(word for word in words if not word.startswith("-"))
    rule = re.compile(re.escape(pattern) if "-F" in flags else pattern)
    kept = [line for line in came.decode("utf-8", "replace").splitlines() if rule.search(line)]
    return Result(0 if kept else 1, "".join(f"{line}\n" for line in kept).encode())


@program("head")
async def head(phone: Phone, words: list[str], came: bytes) -> Result:
    count = int(words[1]) if words[:1] == ["-n"] else 10
    return Result(out=b"".join(came.splitlines(keepends=True)[:count]))


@program("sleep")
async def sleeps(phone: Phone, words: list[str], came: bytes) -> Result:
    await sleep(min(30.0, float(words[0])))
    return Result()


@program("true", ":", "sync", "svc")
async def true(phone: Phone, words: list[str], came: bytes) -> Result:
    return Result()


@program("false")
async def false(phone: Phone, words: list[str], came: bytes) -> Result:
    return Result(1)


@program("id")
async def id_(phone: Phone, words: list[str], came: bytes) -> Result:
    return said("uid=2000(shell) gid=2000(shell) groups=2000(shell)\n")


@program("find")
async def find(phone: Phone, words: list[str], came: bytes) -> Result:
    pattern = words[words.index("-name") + 1] if "-name" in words else "*"
    return said(
        "".join(f"{name}\n" for name in sorted(phone.files) if fnmatch.fnmatchcase(name.rpartition("/")[2], pattern))
    )
