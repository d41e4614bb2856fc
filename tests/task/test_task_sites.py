"""Demo sites as child processes, with a site of a few lines in place of a real one."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import pytest

from agent import sites
from agent.sites import Site, SiteError, find_site, known_sites
from agent.task_file import SiteSpec

SERVE = """
import json, os, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([sys.argv[1:], sorted(os.environ)]).encode())
    def log_message(self, *_): pass

server = HTTPServer(("127.0.0.1", 0), Page)
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}/"}), flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
"""


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose only site is `demo`; returns its script."""
    script = tmp_path / "repository" / "tasks" / "sites" / "demo" / "serve.py"
    script.parent.mkdir(parents=True)
    script.write_text(SERVE)
    monkeypatch.setattr(sites, "_site_folders", lambda: (script.parents[1],))
    return script


def test_a_site_runs_from_with_to_its_end_and_sees_no_secrets(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_CARD", "4242")
    spec = SiteSpec(name="demo", seed=3, layout="cards", mischief=("a", "b"))
    with Site(spec, tmp_path / "run") as site:
        assert site.url == site.origin + "/"
        with urllib.request.urlopen(site.url, timeout=5) as answer:
            said = answer.read().decode()
        child = site._child
        assert child is not None
    assert child.returncode == 0
    assert '"--seed", "3"' in said
    assert '"--layout", "cards", "--mischief", "a,b", "--with-parent"' in said
    assert "--theme" not in said
    assert "DEMO_CARD" not in said
    assert site.log == tmp_path / "run" / "demo.log.jsonl"
    assert not (tmp_path / "run" / "demo.err").exists()


def test_a_temporary_folder_goes_away(bundled: Path) -> None:
    with Site(SiteSpec(name="demo")) as site:
        home = site.log.parent
        assert home.is_dir()
    assert not home.exists()
    site.stop()
    with pytest.raises(SiteError, match="is not running"):
        _ = site.log


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import sys; sys.exit('serve.py: error: no such layout')", "serve.py: error: no such layout"),
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'; try: pip install 'deskhand[sites]'"),
        ("pass", "it ended without a word"),
        ("import sys; sys.stdin.read()", "it did not answer in time"),
        ("print('hello'); import sys; sys.stdout.flush(); sys.stdin.read()", "it said something that is no address"),
        ("print('{\"url\": \"http://0.0.0.0:1/\"}', flush=True)", "it does not listen on 127.0.0.1"),
    ],
)  # fmt: skip
def test_a_site_that_does_not_start_says_why(bundled: Path, script: str, why: str) -> None:
    bundled.write_text(script)
    patience_s = 0.5 if "in time" in why else 10
    with pytest.raises(SiteError) as caught:
        Site(SiteSpec(name="demo"), start_s=patience_s).start()
    assert str(caught.value) == f"the demo site `demo` did not start: {why}"


def test_an_unknown_site_names_the_known_ones(bundled: Path) -> None:
    with pytest.raises(SiteError, match="there is no demo site `hotels`, expected one of `demo`"):
        find_site("hotels")


def test_the_bundled_sites_are_found_from_anywhere_but_never_beside_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "flights" in known_sites()
    evil = tmp_path / "downloads" / "tasks" / "sites" / "evil" / "serve.py"
    evil.parent.mkdir(parents=True)
    evil.write_text(SERVE)
    with pytest.raises(SiteError):
        find_site("evil")
    (tmp_path / "downloads" / "here").mkdir()
    monkeypatch.chdir(tmp_path / "downloads" / "here")
    assert find_site("evil") == evil


def test_the_flights_site_starts(tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    with Site(SiteSpec(name="flights"), tmp_path) as site, urllib.request.urlopen(site.url, timeout=10) as answer:
        assert b"Search flights" in answer.read()
    assert os.path.getsize(site.log) > 0  # noqa: PTH202
