"""Files that a task names: uploads, and where files may come from, both seen from the task file's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.task import TaskError, load_task
from agent.wire_up import narrow_of

TASK = """version: 1
name: send
goal: Send the report.
surface:
  browser: {start: "https://air.example/", uploads: [report.pdf]}
policy: {narrow: {files: [.], recipients: ["*@example.org"]}}
secrets:
  pin: {keyring: bank/ada, origins: ["https://air.example"]}
"""


def task(folder: Path) -> Path:
    path = folder / "task.yaml"
    path.write_text(TASK)
    return path


def test_files_are_seen_from_the_task(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_text("x")
    bound = load_task(task(tmp_path)).bind()
    assert bound.browser is not None and bound.browser.uploads == (str(tmp_path / "report.pdf"),)
    narrow = narrow_of(bound)
    assert (narrow.files, narrow.recipients) == ((str(tmp_path),), ("*@example.org",))
    assert bound.secrets["pin"].keyring == "bank/ada"


@pytest.mark.parametrize("there", ["nothing", "a link"])
def test_what_cannot_be_uploaded_is_told_with_its_line(tmp_path: Path, there: str) -> None:
    if there == "a link":
        (tmp_path / "secret").write_text("x")
        (tmp_path / "report.pdf").symlink_to(tmp_path / "secret")
    with pytest.raises(TaskError) as wrong:
        load_task(task(tmp_path)).bind()
    assert "task.yaml:5: `report.pdf` cannot be uploaded" in wrong.value.lines[0]


def test_a_secret_of_the_keyring_cannot_be_set(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_text("x")
    with pytest.raises(TaskError, match="keyring"):
        load_task(task(tmp_path), {"pin": "1"}).bind()
