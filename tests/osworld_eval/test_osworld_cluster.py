"""Three Ray nodes on this machine, one of them killed in the middle: every task is scored once."""

from __future__ import annotations

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import osworld_stage as stage
import pytest

from osworld_eval.osworld.cluster import Cluster, needs_of
from osworld_eval.osworld.evaluate import Wanted, main
from osworld_eval.osworld.place import Place
from osworld_eval.osworld.results import read_rows
from osworld_eval.osworld.row import Job, Row
from osworld_eval.osworld.runner import Bounds, Runner
from osworld_eval.osworld.suite import read_suite
from osworld_eval.osworld.worker import Equipment

ROOT = Path(__file__).parents[2]


def test_what_a_slot_needs_is_read_strictly() -> None:
    assert needs_of("") == {"CPU": 1.0} and needs_of("CPU=0.5, desktop=1") == {"CPU": 0.5, "desktop": 1.0}
    for wrong in ("CPU", "CPU=x", "=1", "CPU=1;GPU=1"):
        with pytest.raises(ValueError, match="--ray-needs takes"):
            needs_of(wrong)


def test_without_a_cluster_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    folder = stage.suite(tmp_path / "suite", a="Press the button.")
    wanted = Wanted(folder=folder, agent="random", ray="127.0.0.1:1", as_json=True)
    assert main(wanted) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "no Ray cluster at `127.0.0.1:1`" in said[-1]


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray gives a raylet half a minute to say that it is there, and that one its agents fifteen seconds to name their
    ports: too little on a machine that has much else to do. So it is asked longer, and a port is named beforehand.
    """
    from ray._private import services
    from ray._raylet import DASHBOARD_AGENT_LISTEN_PORT_NAME, persist_port

    ask, start = services.get_node, services.start_raylet

    def asked(*given: Any) -> Any:
        until = time.monotonic() + 240
        while True:
            try:
                return ask(*given)
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    def started(*given: Any, **named: Any) -> Any:
        told = inspect.signature(start).bind(*given, **named).arguments
        port = told["dashboard_agent_listen_port"]
        persist_port(told["session_dir"], told["node_id"], DASHBOARD_AGENT_LISTEN_PORT_NAME, port)
        return start(*given, **named)

    monkeypatch.setattr(services, "get_node", asked)
    monkeypatch.setattr(services, "start_raylet", started)


def ports() -> dict[str, int]:
    """Ports of a node's agents. Without them a raylet waits for each to write its own down, for fifteen seconds only."""
    names = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", "dashboard_agent_listen_port")
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    try:
        return {name: int(door.getsockname()[1]) for name, door in zip(names, doors, strict=True)}
    finally:
        for door in doors:
            door.close()


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Three raylets, each with room for one slot; the head has none."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster as Nodes

    patient(monkeypatch)
    before = dict(os.environ)
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    os.environ.update(PYTHONPATH=path, RAY_USAGE_STATS_ENABLED="0")
    cluster = Nodes()
    try:
        cluster.add_node(num_cpus=0, include_dashboard=False, **ports())
        made = [cluster.add_node(num_cpus=1, resources={"desktop": 1}, **ports()) for _ in range(3)]
        yield [cluster, *made]
    finally:
        cluster.shutdown()
        os.environ.clear()
        os.environ.update(before)


class QuickSlot:
    """Plays in a second, without a machine or an agent: what is tried is who plays what, and where it goes."""

    def __init__(self, equipment: Equipment, slot: str, shared: Any) -> None:
        self._slot = slot

    def ready(self) -> tuple[str, str]:
        return "ready", self._slot

    def play(self, job: Job) -> tuple[str, Any, bytes]:
        import io
        import tarfile

        time.sleep(1.0)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            told = tarfile.TarInfo("upstream/result.txt")
            told.size = 4
            tar.addfile(told, io.BytesIO(b"1.0\n"))
        return "row", Row(job.task.name, job.repeat, job.attempt, "scored", 1.0, slot=self._slot), buffer.getvalue()

    def end(self) -> None:
        pass


class QuickCluster(Cluster):
    actor = QuickSlot


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore")
def test_jobs_of_a_node_that_is_killed_go_to_the_others(nodes: list[Any], tmp_path: Path) -> None:
    cluster, _, doomed, _ = nodes
    folder = stage.suite(tmp_path / "suite", **{f"t{number:02}": "Press." for number in range(40)})
    jobs = [Job(task) for task in read_suite(folder).tasks]
    taken: list[Row] = []
    folders: list[Path | None] = []

    def take(row: Row, where: Path | None) -> None:
        taken.append(row)
        folders.append(where)
        if len(taken) == 8:
            threading.Thread(target=cluster.remove_node, args=(doomed,), kwargs={"allow_graceful": False}).start()

    crew = QuickCluster([Equipment(Place(), "oracle")] * 3, tmp_path / "work", cluster.address, needs={"desktop": 1})
    try:
        assert Runner(jobs, crew, take, Bounds(retries=3), threading.Event()).run() == "all"
    finally:
        crew.close()
    scored = [row.task for row in taken if row.finished]
    assert sorted(scored) == [job.task.name for job in jobs], "every task is scored once"
    lost = [row for row in taken if not row.finished]
    assert len(lost) == 1 and "Actor" in lost[0].reason, "one was under way on the node"
    assert {row.slot for row in taken[:8]} == {"1", "2", "3"} and len({row.slot for row in taken[-6:]}) == 2
    kept = [where for where in folders if where is not None]
    assert len(kept) == 40 and all((where / "upstream" / "result.txt").is_file() for where in kept)


def killed_after(count: int, out: Path, cluster: Any, doomed: Any) -> tuple[threading.Thread, list[int]]:
    """A thread that ends a node's whole process at once when so many attempts are over, and how many were then."""
    killed: list[int] = []

    def kill() -> None:
        until = time.monotonic() + 1500
        while len(read_rows(out)) < count and time.monotonic() < until:
            time.sleep(0.2)
        killed.append(len(read_rows(out)))
        cluster.remove_node(doomed, allow_graceful=False)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread, killed


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore")
def test_a_node_is_killed_in_the_middle_and_every_task_is_scored_once(
    nodes: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster, _, doomed, _ = nodes
    folder = stage.suite(tmp_path / "suite", **{f"t{number}": "Press the button." for number in range(9)})
    out = tmp_path / "out"
    thread, killed = killed_after(2, out, cluster, doomed)
    wanted = Wanted(
        folder=folder,
        agent="oracle",
        slots=3,
        out=out,
        ray=cluster.address,
        ray_needs="desktop=1",
        scripts=stage.scripts,
        machine=stage.SlowMachine,
        hands=stage.FakeHands,
        as_json=True,
    )
    code = main(wanted)
    thread.join()
    told = json.loads(capsys.readouterr().out)
    rows = read_rows(out)
    assert code == 0 and (told["mean"], told["finished"], told["scheduled"]) == (100.0, 9, 9), told["faults"]
    assert killed and killed[0] < 9
    scored = [row.task for row in rows if row.finished]
    assert sorted(scored) == sorted(set(scored)) and len(scored) == 9, "every task is scored once"
    lost = [row for row in rows if not row.finished]
    assert {row.status for row in lost} <= {"infrastructure"} and len(lost) <= 1
    for row in rows:
        assert not row.finished or (out / row.files / "result.txt").is_file(), "files came back from every node"
        assert not row.finished or (out / "runs" / row.run / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.filterwarnings("ignore")
def test_our_own_suite_on_three_nodes_of_which_one_is_killed(
    nodes: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real thing: desktop sandboxes, applications, upstream's evaluators. `pytest -s` prints the figures."""
    cluster, _, doomed, _ = nodes
    out = tmp_path / "out"
    thread, killed = killed_after(8, out, cluster, doomed)
    began = time.monotonic()
    code = main(Wanted(agent="oracle", slots=3, out=out, ray=cluster.address, ray_needs="desktop=1", as_json=True))
    thread.join()
    told = json.loads(next(line for line in capsys.readouterr().out.splitlines() if line.startswith("{")))
    rows = read_rows(out)
    scored = [row.task for row in rows if row.finished]
    lost = [row for row in rows if not row.finished]
    with capsys.disabled():
        print(f"\n{told['passed']} of {told['scheduled']} passed, {len(lost)} attempts lost with the node that was killed "
              f"after {killed[0]}; {time.monotonic() - began:.0f} s")  # fmt: skip
    assert code == 0 and told["mean"] == 100.0 and told["finished"] == told["scheduled"] >= 40, told["faults"]
    assert sorted(scored) == sorted(set(scored)) and len(scored) == told["scheduled"], "every task is scored once"
    assert {row.status for row in lost} <= {"infrastructure"} and len(lost) <= 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ctrl_c_ends_local_slots_and_the_same_command_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "play.py"
    out = tmp_path / "out"
    script.write_text(
        "import sys\nfrom pathlib import Path\nimport osworld_stage as stage\n"
        "from osworld_eval.osworld.evaluate import Wanted, main\n"
        "if __name__ == '__main__':\n"
        f"    folder = stage.suite(Path({str(tmp_path / 'suite')!r}), **{{f't{{n}}': 'Press.' for n in range(4)}})\n"
        f"    sys.exit(main(Wanted(folder=folder, agent='oracle', out=Path({str(out)!r}), scripts=stage.scripts,\n"
        "        machine=stage.SlowMachine, hands=stage.FakeHands, as_json=True)))\n"
    )
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    command = [sys.executable, str(script)]
    environ = {**os.environ, "PYTHONPATH": path}
    child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not read_rows(out) and time.monotonic() < until:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    said, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "the same command goes on" in err and json.loads(said)["ended"] == "stopped"
    some = len(read_rows(out))
    assert 1 <= some < 4
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=200, check=False)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["finished"] == 4, done.stderr
    assert len([row for row in read_rows(out) if row.finished]) == 4, "what was finished was not played again"
