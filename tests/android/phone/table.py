"""`python -m tests.android.phone.table --model pilot`: how a model does on the tasks of tasks/android, unvarnished.

Each task has a phone of its own. A person who says yes is played at every question, so that what is told is the model's
doing; what a run says is compared with what the phone holds afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.android.phone.adb_server import AdbServer
from tests.android.phone.contacts_app import Contacts
from tests.android.phone.device import Phone
from tests.android.phone.messages_app import Messages
from tests.android.phone.running import Served
from tests.android.phone.shop_app import Shop

DONE: dict[str, Callable[[Phone], bool]] = {
    "switch_on_bluetooth": lambda phone: (
        (phone.settings["global"]["bluetooth_on"], phone.settings["global"]["wifi_on"]) == ("1", "0")
    ),
    "new_contact": lambda phone: phone.apps[Contacts.package].known[-1].name == "Zoë 山田-O'Brien",
    "find_contact": lambda phone: phone.front.screens[-1].name == "QuickContactActivity",
    "turn_and_scroll": lambda phone: phone.rotation == 1 and phone.front.screens[-1].name == "AppInfo",
    "sign_in": lambda phone: phone.apps[Shop.package].signed_in == "ada@example.org",
    "send_message": lambda phone: phone.apps[Messages.package].sent == [("Ada Lovelace", "See you at eight ☕")],
    "buy_teapot": lambda phone: [total for _, total, _ in phone.apps[Shop.package].orders] == [2490],
}
"""What must be so on the phone when a task was really done."""
HELD: dict[str, Callable[[Phone], object]] = {
    "send_message": lambda phone: phone.apps[Messages.package].sent,
    "buy_teapot": lambda phone: phone.apps[Shop.package].orders,
}
"""What is told beside a task that was not done: what went out instead."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.android.phone.table", description=__doc__)
    parser.add_argument("--model", default="pilot", help="as for `agent run`")
    parser.add_argument("--task", action="append", choices=sorted(DONE), help="only this one; may be repeated")
    parser.add_argument("--minutes", type=float, default=10, help="the most that one task may take")
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from phone_runs import run_task

    print(f"{'task':<22}{'outcome':<18}{'on the phone':<14}{'steps':>6}{'seconds':>9}  because", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        server = AdbServer(Path(folder))
        os.environ["ANDROID_ADB_SERVER_PORT"] = str(server.port)
        server.start()
        try:
            for name in given.task or DONE:
                with Served(size=(540, 1080), density=240) as served:
                    server.connect(served.address)
                    began = time.monotonic()
                    env = {"ANDROID_SERIAL": served.address, "DEMO_SHOP": Shop.password}
                    ended = run_task(
                        name, Path(folder), answer="y", model=given.model, timeout_s=given.minutes * 60, **env
                    )
                    took = time.monotonic() - began
                    told = (
                        ended.last
                        if '"outcome"' in ended.out
                        else {"outcome": "no end", "because": ended.out[-80:], "steps": 0}
                    )
                    held = (
                        "done" if served.do(lambda name=name, served=served: DONE[name](served.phone)) else "not done"
                    )
                    because = " ".join(str(told["because"]).split())[:90]
                    print(
                        f"{name:<22}{told['outcome']:<18}{held:<14}{told['steps']:>6}{took:>9.0f}  {because}",
                        flush=True,
                    )
                    if held != "done" and name in HELD:
                        print(
                            f"    the phone holds {served.do(lambda name=name, served=served: HELD[name](served.phone))}",
                            flush=True,
                        )
                    server.adb("disconnect", served.address)
        finally:
            server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
