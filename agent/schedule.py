"""`agent schedule`: writes down when a task is to run, in the words of whatever keeps time here already.

A systemd timer with its service, a line for cron, or a workflow of GitHub or a job of GitLab: nothing of ours stays up
to wait. What is written is checked by its reader where that is here (`systemd-analyze`), and holds no secret: only the
names of those that the task needs, and where to put them.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.attended import APPROVE
from agent.outcome import USAGE
from agent.task import Task, TaskError, load_task

__all__ = ["KINDS", "Given", "When", "calendar_of", "files_of", "is_flow", "schedule", "when_of"]

KINDS = ("systemd", "cron", "github", "gitlab")
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_EVERY = re.compile(r"([0-9]{1,3})(m|h|d)")
_AT = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_GRACE_S = 300
"""Beyond the task's own limit, before a timer's service is ended."""


@dataclass(frozen=True, slots=True)
class When:
    """A time, as cron says it: five fields."""

    cron: str

    def next(self, n: int, after: float) -> list[float]:
        """The next `n` times, seconds since the epoch, in the time zone of this machine."""
        import datetime as dt

        from croniter import croniter

        start = dt.datetime.fromtimestamp(after).astimezone()
        times = croniter(self.cron, start)
        return [times.get_next(float) for _ in range(n)]


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says."""

    file: Path
    """A task, or a flow."""
    kind: str
    every: str = ""
    at: str = ""
    cron: str = ""
    sets: Mapping[str, str] | None = None
    inputs: Path | None = None
    policy: tuple[str, ...] = ()
    approve: str = "deny"
    model: str = "pilot"
    runs: Path = Path("runs")
    name: str = ""
    out: Path | None = None
    """A folder for the files; printed where None."""


def when_of(every: str, at: str, cron: str) -> When:
    """From one of the three. Raises ValueError: one line."""
    if sum(map(bool, (every, at, cron))) != 1:
        raise ValueError('say when by exactly one of --every 30m, --at 07:30 and --cron "30 7 * * 1-5"')
    if every:
        return When(_every(every))
    if at:
        match = _AT.fullmatch(at)
        if match is None:
            raise ValueError(f"--at takes a time of the day such as 07:30, got `{at}`")
        return When(f"{int(match[2])} {int(match[1])} * * *")
    return When(_checked(cron))


def _every(every: str) -> str:
    match = _EVERY.fullmatch(every)
    if match is None or not int(match[1]):
        raise ValueError(f"--every takes minutes, hours or days such as 15m, 2h, 1d; got `{every}`")
    count, unit = int(match[1]), match[2]
    if unit == "m" and 60 % count == 0:
        return f"*/{count} * * * *" if count < 60 else "0 * * * *"
    if unit == "h" and 24 % count == 0:
        return f"0 */{count} * * *" if count < 24 else "0 0 * * *"
    if unit == "d" and count == 1:
        return "0 0 * * *"
    said = "no whole number of those makes an hour or a day" if unit != "d" else "days are counted by --cron"
    raise ValueError(f"--every {every}: {said}; use --cron")


def _checked(cron: str) -> str:
    """Five fields of numbers, ranges and names, as every cron takes them."""
    from croniter import croniter

    fields = cron.split()
    if len(fields) != 5 or re.search(r"[^0-9A-Za-z*,/ -]", cron) or not croniter.is_valid(cron):
        raise ValueError(f'--cron takes five fields such as "30 7 * * 1-5" (no @, L, # or ?), got `{cron}`')
    if any(isinstance(value, str) and value != "*" for field in croniter.expand(cron)[0] for value in field):
        raise ValueError(f"--cron {cron}: only numbers, names, lists, ranges and steps are understood everywhere")
    return " ".join(fields)


def calendar_of(when: When) -> list[str]:
    """The same as `OnCalendar=` of systemd says it: one line, or two where cron means a day of either kind."""
    from croniter import croniter

    minute, hour, day, month, weekday = croniter.expand(when.cron)[0]
    clock = f"{_listed(hour)}:{_listed(minute)}:00"
    days = ",".join(_DAYS[int(one) % 7] for one in weekday if one != "*")
    dated = f"*-{_listed(month)}-{_listed(day)} {clock}"
    if days and day != ["*"]:
        return [dated, f"{days} *-{_listed(month)}-* {clock}"]
    return [f"{days} {dated}" if days else dated]


def _listed(values: Sequence[object]) -> str:
    return "*" if list(values) == ["*"] else ",".join(f"{int(str(value)):02}" for value in values)


def schedule(given: Given) -> int:
    """Print or write. Returns 0; 2 with one line for what a user can get wrong; 1 where the reader refuses it."""
    try:
        when, (task, words) = when_of(given.every, given.at, given.cron), _command(given)
        if given.kind not in KINDS:
            raise ValueError(f"--as takes one of {', '.join(KINDS)}, got `{given.kind}`")
        name = given.name or re.sub(r"[^a-z0-9]+", "-", task.name.lower()).strip("-")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
            raise ValueError(f"--name takes letters, digits, - and _, got `{name}`")
        files = files_of(given, task, words, when, name)
    except TaskError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return USAGE
    except ValueError as problem:
        print(f"agent schedule: {problem}", file=sys.stderr)
        return USAGE
    if given.kind == "systemd" and (wrong := refused_by_systemd(files, calendar_of(when))):
        print(f"agent schedule: systemd refuses it: {wrong}", file=sys.stderr)
        return 1
    return _put(given, files, when)


def _command(given: Given) -> tuple[Task, list[str]]:
    """The task, bound once to see that it can be, and the words after `agent`. Raises TaskError, ValueError."""
    if given.approve not in APPROVE or given.approve == "tty":
        allowed = ", ".join(one for one in APPROVE if one != "tty")
        raise ValueError(f"--approve takes one of {allowed}, got `{given.approve}`: there is no terminal then")
    sets = dict(given.sets or {})
    inner = given.kind in ("github", "gitlab")
    place = given.file if inner else given.file.absolute()
    if inner and (given.file.is_absolute() or (given.inputs is not None and given.inputs.is_absolute())):
        raise ValueError(f"{given.file}: name files as they lie in the repository, from its top")
    if is_flow(given.file):
        from agent.flow.replay import flow_of, flow_task

        task = replace(flow_task(flow_of(given.file, given.runs)).task, sets={})
        words = ["replay", str(place)]
    else:
        task, words = load_task(given.file), ["run", str(place), "--model", given.model, "--stop-key", "off"]
    if given.inputs is None:
        task.bind(sets, missing_secrets=True)
    else:
        from agent.flow.table import read_rows

        read_rows(given.inputs)
        words += ["--inputs", str(given.inputs if inner else given.inputs.absolute())]
    words += [word for name, value in sets.items() for word in ("--set", f"{name}={value}")]
    words += [word for name in given.policy for word in ("--policy", name)]
    return task, [*words, "--approve", given.approve, "--runs", str(given.runs if inner else given.runs.absolute())]


def is_flow(file: Path) -> bool:
    """A flow names the digest of its task; anything else is read as a task, and told so where it is none."""
    try:
        return file.is_dir() or "\ntask_digest:" in file.read_text("utf-8", "replace")[:20_000]
    except OSError:
        return False


def files_of(given: Given, task: Task, words: Sequence[str], when: When, name: str) -> dict[str, str]:
    """Names of files and what is in them."""
    secrets = sorted({spec.env for spec in task.file.secrets.values() if spec.env})
    match given.kind:
        case "systemd":
            return _systemd(task, words, when, name, secrets)
        case "cron":
            return {f"{name}.cron": _cron(words, when, name, secrets)}
        case "github":
            return {f"{name}.yml": _github(task, words, when, name, secrets)}
        case _:
            return {f"{name}.gitlab-ci.yml": _gitlab(task, words, when, name, secrets)}


def _systemd(task: Task, words: Sequence[str], when: When, name: str, secrets: Sequence[str]) -> dict[str, str]:
    limit_s = task.file.limits.minutes * 60 + _GRACE_S
    limit = f"TimeoutStartSec={limit_s}\n" if "--inputs" not in words else "TimeoutStartSec=infinity\n"
    told = f"# Put {', '.join(secrets)} there, one NAME=value to a line, readable by you alone (chmod 600).\n"
    secret = f"{told}EnvironmentFile=-%h/.config/deskhand/{name}.env\n" if secrets else ""
    service = (
        f"# ~/.config/systemd/user/{name}.service\n[Unit]\nDescription={_plain(task.name)} by deskhand\n\n[Service]\n"
        f"Type=oneshot\nWorkingDirectory={_escaped(str(Path.cwd()))}\n{secret}"
        f"ExecStart={' '.join(_quoted(word) for word in (sys.executable, '-m', 'agent', *words))}\n"
        f"# A stop is asked for, so that the run ends in order; `agent resume last` goes on with it.\n"
        f"KillSignal=SIGTERM\nKillMode=mixed\n{limit}"
    )
    times = "".join(f"OnCalendar={one}\n" for one in calendar_of(when))
    timer = (
        f"# ~/.config/systemd/user/{name}.timer; then: systemctl --user daemon-reload, "
        f"systemctl --user enable --now {name}.timer\n[Unit]\nDescription=When {_plain(task.name)} runs\n\n[Timer]\n"
        f"{times}# What was missed while the machine was off is made up for once.\nPersistent=true\n\n"
        f"[Install]\nWantedBy=timers.target\n"
    )
    return {f"{name}.service": service, f"{name}.timer": timer}


def _plain(text: str) -> str:
    return re.sub(r"[^\w -]+", " ", text).replace("%", "%%").strip()


def _escaped(path: str) -> str:
    return path.replace("%", "%%")


def _quoted(word: str) -> str:
    """A word of `ExecStart=`: in quotes where it must be, and nothing in it filled in by systemd."""
    word = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$")
    return word if re.fullmatch(r"[\w./:=@%+,$-]+", word) else '"' + word.replace('"', '\\"') + '"'


def _cron(words: Sequence[str], when: When, name: str, secrets: Sequence[str]) -> str:
    """A line for `crontab -e`. In it a bare % would end the command."""
    log = Path("~/.local/state/deskhand").expanduser() / f"{name}.log"
    load = f'. "$HOME/.config/deskhand/{name}.env" && ' if secrets else ""
    told = f"# export {', '.join(secrets)} in ~/.config/deskhand/{name}.env (chmod 600)\n" if secrets else ""
    command = shlex.join([sys.executable, "-m", "agent", *words])
    line = f"cd {shlex.quote(str(Path.cwd()))} && {load}{command} >> {shlex.quote(str(log))} 2>&1"
    return (
        f"# crontab -e; the log's folder: mkdir -p {log.parent}\n{told}{when.cron} " + line.replace("%", "\\%") + "\n"
    )


def _github(task: Task, words: Sequence[str], when: When, name: str, secrets: Sequence[str]) -> str:
    names = "".join(f"          {one}: ${{{{ secrets.{one} }}}}\n" for one in secrets)
    env = f"        env:\n{names}" if secrets else ""
    return (
        f"# .github/workflows/{name}.yml; times of a schedule are in UTC\nname: {name}\non:\n"
        f'  schedule: [{{cron: "{when.cron}"}}]\n  workflow_dispatch:\n'
        "# never two at once, and none is cut off by the next\n"
        f"concurrency: {{group: {name}, cancel-in-progress: false}}\n"
        f"jobs:\n  run:\n    runs-on: ubuntu-latest\n    timeout-minutes: {task.file.limits.minutes + 20}\n    steps:\n"
        "      - uses: actions/checkout@v4\n      - uses: actions/setup-python@v5\n"
        '        with: {python-version: "3.12", cache: pip}\n'
        "      - run: pip install -c constraints.txt '.[model,browser,rows,sites]'\n"
        "      - run: playwright install --with-deps chromium\n"
        f"      - run: {_yaml(shlex.join(['agent', *words, '--junit', 'out.xml']))}\n{env}"
        "      - uses: actions/upload-artifact@v4\n        if: always()\n"
        '        with: {name: runs, path: "runs/\\nout.xml", retention-days: 7}\n'
    )


def _gitlab(task: Task, words: Sequence[str], when: When, name: str, secrets: Sequence[str]) -> str:
    told = f"# {', '.join(secrets)}: masked variables of the project\n" if secrets else ""
    return (
        f"# include this in .gitlab-ci.yml. The time itself is kept by the project: Build > Pipeline schedules, or\n"
        f"#   glab schedule create --cron '{when.cron}' --description {name} --ref main --variable DESKHAND={name}\n"
        f"{told}"
        f"{name}:\n  image: python:3.12\n  timeout: {task.file.limits.minutes + 20} minutes\n  resource_group: {name}\n"
        f'  rules:\n    - if: $CI_PIPELINE_SOURCE == "schedule" && $DESKHAND == "{name}"\n  script:\n'
        "    - pip install -c constraints.txt '.[model,browser,rows,sites]'\n"
        "    - playwright install --with-deps chromium\n"
        f"    - {_yaml(shlex.join(['agent', *words, '--junit', 'out.xml']))}\n"
        "  artifacts: {when: always, paths: [runs/, out.xml], reports: {junit: out.xml}, expire_in: 1 week}\n"
    )


def _yaml(text: str) -> str:
    """A scalar on one line."""
    return "'" + text.replace("'", "''") + "'" if re.search(r"[:#{}\[\]&*!|>'\"%@`]", text) else text


def refused_by_systemd(files: Mapping[str, str], calendars: Sequence[str]) -> str:
    """What the real reader says against it, in one line; empty where it takes it or is not here."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return ""
    for one in calendars:
        done = subprocess.run([program, "calendar", one], capture_output=True, text=True, check=False, timeout=30)
        if done.returncode:
            return " ".join(done.stderr.split())[:300]
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in files]
        for place in places:
            place.write_text(files[place.name], "utf-8")
        told = [program, "verify", "--user", "--recursive-errors=no", *map(str, places)]
        done = subprocess.run(told, capture_output=True, text=True, check=False, timeout=60)
    named = [line for line in done.stderr.splitlines() if any(name in line for name in files)]
    return " ".join(named[:2])[:300] if named and done.returncode else ""


def _put(given: Given, files: Mapping[str, str], when: When) -> int:
    times = ", ".join(time.strftime("%a %d %b %H:%M", time.localtime(at)) for at in when.next(3, time.time()))
    note = f"# next: {times}"
    if given.out is None:
        print("\n".join(files.values()), end="")
        print(note, file=sys.stderr)
        return 0
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (given.out / name).write_text(text, "utf-8")
            print(given.out / name)
    except OSError as error:
        said = (error.strerror or "error").lower()
        print(f"agent schedule: cannot write to `{given.out}`: {said}", file=sys.stderr)
        return 1
    print(note)
    return 0
