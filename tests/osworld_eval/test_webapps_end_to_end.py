"""Two applications from start to end, where they are installed: `python -m osworld_eval.webapps.install`."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path

import pytest

from osworld_eval.webapps import install
from osworld_eval.webapps.application import APPLICATIONS, Served, prepare
from osworld_eval.webapps.play import Wanted, main
from osworld_eval.webapps.state import read

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return install.environment(install.default_folder())
    except install.EnvironmentMissing as missing:
        pytest.skip(str(missing))


def test_an_application_leaves_no_process_and_no_port(python: Path, tmp_path: Path) -> None:
    wiki = APPLICATIONS["otter_wiki"]
    prepare(wiki, python, tmp_path / "seeded")
    with Served(wiki, python, tmp_path / "seeded", tmp_path / "run") as served:
        with urllib.request.urlopen(served.origin + "/Cranes", timeout=60) as page:
            assert b"under repair" in page.read()
        assert ("pages", "cranes.md") in read(wiki.source, served.folder)
        origin = served.origin
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(origin, timeout=60)
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "run") not in left


@pytest.mark.parametrize("task", ["django_delete_user", "wiki_new_page"])
def test_a_chore_is_verified_by_screen_and_data(
    task: str, python: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(Wanted((task,), "plan", python.parents[1], tmp_path / "runs", as_json=True))
    said = json.loads(capsys.readouterr().out)
    assert code == 0 and said["verified"] == said["n"] == 1, said
    assert said["results"][0]["wrong"] == [] and said["unwanted"] == 0
