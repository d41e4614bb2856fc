"""The command line. Every command imports what it needs when it runs, so that `agent --help` is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agent import cli_audit, cli_bench, cli_flow, cli_model, cli_policy, cli_task
from agent.assistants.command import mcp
from agent.cli_arguments import AsJson, RunName, RunsRoot, TaskFile
from agent.cli_durable import add_to, needs_store, pairs
from agent.recording.command import learn, record

__all__ = ["app", "main"]

app = typer.Typer(
    name="agent",
    help="Run agents that operate graphical interfaces: under a policy, with approvals, on the record.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _name, _sub in (
    ("task", cli_task.app),
    ("audit", cli_audit.app),
    ("policy", cli_policy.app),
    ("bench", cli_bench.app),
    ("model", cli_model.app),
):
    app.add_typer(_sub, name=_name)
add_to(app)
cli_flow.add_to(app)

app.command()(mcp)
app.command()(record)
app.command()(learn)


@app.command()
def run(
    task: TaskFile,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An input, as name=value. May be repeated.")] = None,
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="Preset or .cedar file; replaces the task's.")
    ] = None,
    approve: Annotated[
        str, typer.Option(help="Who answers questions: `console`, `tty`, `deny`, or `auto`: a console that listens.")
    ] = "auto",
    model: Annotated[str, typer.Option(help="`pilot`, `plan`, a folder, or http://HOST:PORT/v1#NAME.")] = "pilot",
    site: Annotated[list[str] | None, typer.Option("--site", help="A demo site's setting, as name=value.")] = None,
    runs: RunsRoot = Path("runs"),
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser window.")] = False,
    as_json: AsJson = False,
    again: Annotated[bool, typer.Option("--again", help="Run although an earlier run may have taken effect.")] = False,
    otlp: Annotated[
        str,
        typer.Option(
            help="Also send spans, events and counts to this collector: http://HOST:4318 or grpc://HOST:4317."
        ),
    ] = "",
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit file here, with --inputs of the rows.")] = None,
    annotations: Annotated[
        str, typer.Option(help="Annotate a build: `github` prints them, `gitlab` writes gl-code-quality-report.json.")
    ] = "",
    tier: Annotated[
        str, typer.Option(help="How far the run is trusted: `observe`, `rehearse`, `supervised`, `bounded`.")
    ] = "",
    stop_key: Annotated[
        str,
        typer.Option(
            envvar="AGENT_STOP_KEY",
            help="Keys that stop the run at this display, as `ctrl+alt+escape`; `auto` or `off`.",
        ),
    ] = "auto",
    anomaly: Annotated[
        list[str] | None,
        typer.Option("--anomaly", help="What to do about what is odd, as orders=stop. May be repeated."),
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="A run for each row of this .csv, .jsonl or .xlsx.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="With --inputs: processes side by side.")] = 1,
    retries: Annotated[int, typer.Option(min=0, max=10, help="With --inputs: more tries after a system error.")] = 2,
    rerun_failed: Annotated[
        bool, typer.Option("--rerun-failed", help="With --inputs: also rows that have failed before.")
    ] = False,
    results: Annotated[
        Path | None, typer.Option("--results", help="With --inputs: where results go; beside the table by default.")
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="With --inputs: rows as tasks of Ray, on RAY_ADDRESS or started here.")
    ] = False,
) -> None:
    """Run one task to its end, or once for each row of a table."""
    from agent.run import Options, run_task

    options = Options(
        task=task,
        sets=pairs(sets, "--set"),
        policy=tuple(policy or ()),
        approve=approve,
        model=model,
        site=pairs(site, "--site"),
        runs=runs,
        headed=headed,
        as_json=as_json,
        again=again,
        otlp=otlp,
        junit=junit,
        annotations=annotations,
        tier=tier,
        stop_key=stop_key,
        anomalies=pairs(anomaly, "--anomaly"),
    )
    if inputs is not None:
        from agent.flow.command import Wanted, each_row

        raise typer.Exit(each_row(options, Wanted(junit, inputs, workers, retries, rerun_failed, results, ray)))
    raise typer.Exit(run_task(options))


@app.command()
def replay(
    flow: Annotated[Path, typer.Argument(help="A flow.yaml, or a verified run: its folder, its id, or `last`.")],
    sets: Annotated[list[str] | None, typer.Option("--set", help="An input, as name=value. May be repeated.")] = None,
    task: Annotated[
        Path | None, typer.Option("--task", help="The task file; the one beside the flow by default.")
    ] = None,
    heal: Annotated[
        str,
        typer.Option(
            help="Where a step is not found: `off` ends, `suggest` ends and leaves a patch, `auto` goes on with it."
        ),
    ] = "off",
    model: Annotated[str, typer.Option(help="With --heal, proposes steps anew: `pilot` or a folder.")] = "pilot",
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="Preset or .cedar file; replaces the task's.")
    ] = None,
    approve: Annotated[
        str, typer.Option(help="Who answers questions: `console`, `tty`, `deny`, or `auto`: a console that listens.")
    ] = "auto",
    site: Annotated[list[str] | None, typer.Option("--site", help="A demo site's setting, as name=value.")] = None,
    runs: RunsRoot = Path("runs"),
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser window.")] = False,
    as_json: AsJson = False,
    again: Annotated[bool, typer.Option("--again", help="Run although an earlier run may have taken effect.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report here.")] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Write the report of a verified replay at once; else `agent view` does.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="With --inputs: a process and a browser of its own for each row.")
    ] = False,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="A run for each row of this .csv, .jsonl or .xlsx.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="With --inputs: processes side by side.")] = 1,
    retries: Annotated[int, typer.Option(min=0, max=10, help="With --inputs: more tries after a system error.")] = 2,
    rerun_failed: Annotated[
        bool, typer.Option("--rerun-failed", help="With --inputs: also rows that have failed before.")
    ] = False,
    results: Annotated[
        Path | None, typer.Option("--results", help="With --inputs: where results go; beside the table by default.")
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="With --inputs: rows as tasks of Ray, on RAY_ADDRESS or started here.")
    ] = False,
) -> None:
    """Do a verified run again without a model: each step is found anew, judged, done and checked."""
    from agent.flow.command import Wanted, replayed
    from agent.run import Options

    options = Options(
        task=task or flow,
        sets=pairs(sets, "--set"),
        policy=tuple(policy or ()),
        approve=approve,
        site=pairs(site, "--site"),
        runs=runs,
        headed=headed,
        as_json=as_json,
        again=again,
        model=model,
        report=report,
    )
    wanted = Wanted(junit, inputs, workers, retries, rerun_failed, results, fresh, ray)
    raise typer.Exit(replayed(flow, task, heal, options, wanted))


@app.command()
def rehearse(
    task: TaskFile,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An input, as name=value. May be repeated.")] = None,
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="Preset or .cedar file; replaces the task's.")
    ] = None,
    model: Annotated[str, typer.Option(help="`pilot`, `plan`, a folder, or http://HOST:PORT/v1#NAME.")] = "pilot",
    site: Annotated[list[str] | None, typer.Option("--site", help="A demo site's setting, as name=value.")] = None,
    runs: RunsRoot = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Run a task up to its first act that cannot be taken back, and say what that would send. It is not done."""
    from agent.run import Options, run_task

    options = Options(
        task=task,
        sets=pairs(sets, "--set"),
        policy=tuple(policy or ()),
        approve="deny",
        model=model,
        site=pairs(site, "--site"),
        runs=runs,
        as_json=as_json,
        again=True,
        tier="rehearse",
    )
    raise typer.Exit(run_task(options))


@app.command()
def demo(runs: RunsRoot = Path("runs")) -> None:
    """Book a flight, then watch the policy stop one whose price has jumped."""
    from agent.demo import play

    raise typer.Exit(play(runs))


@app.command()
def view(
    run: RunName = "last",
    runs: RunsRoot = Path("runs"),
    no_open: Annotated[bool, typer.Option("--no-open", help="Only print the path.")] = False,
) -> None:
    """Open the report of a run."""
    from agent.view import show

    raise typer.Exit(show(run, runs, not no_open))


@app.command()
def stop(run: RunName = "last", runs: RunsRoot = Path("runs")) -> None:
    """Stop a run that is going on: no further act begins."""
    from agent.stop import stop as end

    raise typer.Exit(end(run, runs))


@app.command()
def pending(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, as somebody who listens, until Ctrl+C.")] = False,
) -> None:
    """List the questions that wait for a person."""
    needs_store()
    from agent.answering import pending as listed

    raise typer.Exit(listed(as_json, watch))


RequestId = Annotated[str, typer.Argument(help="A request's id, or the beginning of it.")]


@app.command()
def approve(
    request: RequestId,
    for_run: Annotated[
        bool, typer.Option("--for-run", help="Also the like of it in this run, on terms that are no worse.")
    ] = False,
    minutes: Annotated[int, typer.Option(help="How long --for-run holds, 1 to 60.")] = 15,
    value: Annotated[str, typer.Option(help="Type this instead.")] = "",
) -> None:
    """Say yes to one question of a run."""
    needs_store()
    from agent.answering import Given, answer

    raise typer.Exit(answer(Given(request, "approved", for_run, minutes, value)))


@app.command()
def deny(
    request: RequestId, stop_run: Annotated[bool, typer.Option("--stop", help="Stop the whole run.")] = False
) -> None:
    """Say no to one question of a run."""
    needs_store()
    from agent.answering import Given, answer

    raise typer.Exit(answer(Given(request, "stopped" if stop_run else "denied")))


@app.command()
def console(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8642,
    runs: RunsRoot = Path("runs"),
    public_origin: Annotated[
        str, typer.Option(help="The address under which a proxy serves it, as https://console.example.org.")
    ] = "",
    operator: Annotated[
        list[str] | None,
        typer.Option("--operator", help="Add or change an operator, NAME=ROLE; the password is asked for."),
    ] = None,
    no_link: Annotated[bool, typer.Option("--no-link", help="Print no one-time link.")] = False,
) -> None:
    """Serve the approval console on this machine."""
    from agent.console.serve import Options, serve

    raise typer.Exit(serve(Options(port, runs, public_origin, pairs(operator, "--operator"), not no_link)))


@app.command()
def rollback(
    run: RunName,
    to: Annotated[int, typer.Option("--to", min=1, help="Number of the step before which it is to stand again.")],
    runs: RunsRoot = Path("runs"),
    policy: Annotated[
        list[str] | None, typer.Option("--policy", help="Preset or .cedar file; replaces the task's.")
    ] = None,
    approve: Annotated[str, typer.Option(help="Who answers questions: `tty` or `deny`.")] = "tty",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what can be taken back.")] = False,
    headed: Annotated[
        bool, typer.Option("--headed", help="Show the browser and leave it open until it is closed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what of a run can be taken back, put its page back, and look whether it is so."""
    from agent.rollback import Options
    from agent.rollback import rollback as take_back

    options = Options(run, to, runs, tuple(policy or ()), approve, dry_run, headed, as_json)
    raise typer.Exit(take_back(options))


@app.command()
def runs(root: RunsRoot = Path("runs"), as_json: AsJson = False) -> None:
    """List runs, the newest first."""
    from agent.view import listed

    raise typer.Exit(listed(root, as_json))


@app.command()
def ask(
    files: Annotated[list[Path], typer.Argument(help="Pictures and PDFs, or one recording.")],
    question: Annotated[str, typer.Option(help="The question, or what the form is to look for.")] = "",
    form: Annotated[
        str,
        typer.Option(
            help="`question`, `ocr`, `extract`, `ground`, `ground3d`, `document`, `code`, `diagram`, `diff`, `when`."
        ),
    ] = "question",
    schema: Annotated[Path | None, typer.Option(help="A JSON Schema: of the answer, or of the fields to read.")] = None,
    model: Annotated[str, typer.Option(help="`pilot`, a folder, or http://HOST:PORT/v1#NAME.")] = "pilot",
    pages: Annotated[str, typer.Option(help="Pages of a PDF, for example 1-3,7.")] = "",
    style: Annotated[str, typer.Option("--format", help="Of `document`: `html` or `markdown`.")] = "",
    deadline: Annotated[float, typer.Option(help="Seconds for the whole answer.")] = 600.0,
    out: Annotated[Path | None, typer.Option(help="Write the answer here instead of printing it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask about pictures, a PDF or a screen recording. Nothing in an answer is run."""
    from agent.asking import Question, ask_about

    asked = Question(tuple(files), question, form, schema, model, pages, style, deadline, out, as_json)
    raise typer.Exit(ask_about(asked))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is missing on this machine and the command that mends it."""
    from agent.doctor import report

    raise typer.Exit(report(as_json))


@app.command()
def devices(as_json: AsJson = False) -> None:
    """List phones and emulators that adb knows, and what each can do."""
    from agent.devices import devices as listed_devices

    raise typer.Exit(listed_devices(as_json))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def eval(context: typer.Context) -> None:
    """Run benchmarks: `agent eval --help` lists them."""
    from importlib.metadata import entry_points

    found = list(entry_points(group="deskhand.commands", name="eval"))
    if not found:
        typer.echo("the benchmarks are not installed; try: pip install -e .", err=True)
        raise typer.Exit(2)
    command: Any = found[0].load()
    raise typer.Exit(command(context.args))


def main() -> None:
    """Entry point of the `agent` command. Ctrl+C before a run has begun ends with 30 and no traceback."""
    try:
        app()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(30) from None
