"""A private adb server for the session, and a phone behind it; what is started here is ended here."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
pytest.register_assert_rewrite("contract.actuator")

from contract.actuator import Vault  # noqa: E402
from contract.mint import Mint  # noqa: E402

from actuators.android import AndroidActuator  # noqa: E402
from tests.android.phone.adb_server import AdbServer  # noqa: E402
from tests.android.phone.pages_app import Pages  # noqa: E402
from tests.android.phone.running import Served  # noqa: E402
from tests.android.phone_stage import PACKAGES, PhoneStage  # noqa: E402

REAL = "DESKHAND_ANDROID_SERIAL"
SIZE, DENSITY = (540, 1080), 240


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    if shutil.which("adb") is None:
        pytest.skip("no adb: apt-get install adb")
    server = AdbServer(tmp_path_factory.mktemp("adb"))
    before = {name: os.environ.get(name) for name in ("ANDROID_ADB_SERVER_PORT", "ANDROID_SERIAL")}
    os.environ.pop("ANDROID_SERIAL", None)
    os.environ["ANDROID_ADB_SERVER_PORT"] = str(server.port)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@pytest.fixture(scope="session")
def kept_phone(adb_server: AdbServer) -> Iterator[Served]:
    with Served(size=SIZE, density=DENSITY) as served:
        yield served


@pytest.fixture
def serve(adb_server: AdbServer, kept_phone: Served) -> Callable[..., Served]:
    """A phone as new, connected. It is always the same port: a test has one phone."""

    def start(**given: Any) -> Served:
        kept_phone.renew(**given)
        adb_server.connect(kept_phone.address)
        return kept_phone

    return start


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()


@pytest.fixture
def staged(serve: Callable[..., Served]) -> Iterator[Callable[..., PhoneStage]]:
    """A phone with an actuator on it, in an app."""
    with ExitStack() as stack:

        def start(app: str = Pages.package, **given: Any) -> PhoneStage:
            served = serve(**given)
            mint = Mint()
            actuator = stack.enter_context(AndroidActuator(served.address, mint.verifier(), Vault(), apps=PACKAGES))
            actuator.open(app)
            actuator.observe()
            return PhoneStage(served, actuator, mint)

        yield start


@pytest.fixture
def stage(staged: Callable[..., PhoneStage]) -> PhoneStage:
    return staged()


@pytest.fixture(params=["virtual", pytest.param("real", marks=pytest.mark.android_device)])
def any_phone(request: pytest.FixtureRequest) -> Iterator[tuple[AndroidActuator, Mint]]:
    """The virtual phone, and the device that a person has named for tests, in its Settings."""
    serial = os.environ.get(REAL)
    if request.param == "real" and not serial:
        pytest.skip(f"no device: set {REAL} to the serial number of a phone or an emulator that tests may touch")
    mint, before = Mint(), os.environ.get("ANDROID_ADB_SERVER_PORT")
    if request.param == "virtual":
        serial = request.getfixturevalue("served").address
    else:
        os.environ.pop("ANDROID_ADB_SERVER_PORT", None)  # a person's own adb server knows the device
    try:
        with AndroidActuator(str(serial), mint.verifier(), Vault(), apps=("com.android.settings",)) as actuator:
            actuator.open("com.android.settings")
            yield actuator, mint
    finally:
        if before is not None:
            os.environ["ANDROID_ADB_SERVER_PORT"] = before
