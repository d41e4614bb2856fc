"""Settings: switches that the rest of the phone feels, and lists long enough to scroll."""

from __future__ import annotations

from tests.android.phone.apps import App, Screen
from tests.android.phone.views import Page

INSTALLED = (
    "Browser", "Calculator", "Calendar", "Camera", "Clock", "Compass", "Contacts", "Dictionary", "Email", "Files",
    "Flashlight", "Gallery", "Keyboard", "Maps", "Messages", "Music", "News", "Notes", "Phone", "Podcasts", "Print service",
    "Recorder", "Settings", "Shop", "Sync", "Tasks", "Translate", "Videos", "Wallet", "Weather",
)  # fmt: skip


class Root(Screen):
    name = "Settings"

    def build(self, page: Page) -> None:
        page.title("Settings")
        for name, key in (("Wi-Fi", "wifi_on"), ("Bluetooth", "bluetooth_on"), ("Airplane mode", "airplane_mode_on")):
            on = self.phone.settings["global"][key] == "1"
            page.row(name, on=lambda key=key: self._toggle(key), checked=on)
        page.row("Display", "Brightness, orientation, dark theme", on=lambda: self.app.go(Display(self.app)))
        page.row("Apps", f"{len(INSTALLED)} installed", on=lambda: self.app.go(Apps(self.app)))
        page.row("Sound", "Volume, vibration, do not disturb", on=lambda: self.app.go(Sound(self.app)))
        page.row("Battery", "81 %")
        page.row("Storage", "41 GB of 64 GB used")
        page.row("Security", "Screen lock, permissions")
        page.row("About phone", "Virtual Phone, Android 13", on=lambda: self.app.go(About(self.app)))
        page.row("Erase all data", "Factory reset", on=lambda: self.app.go(Reset(self.app)))

    def _toggle(self, key: str) -> None:
        known = self.phone.settings["global"]
        known[key] = "0" if known[key] == "1" else "1"


class Sub(Screen):
    def up(self) -> None:
        self.app.back()


class Display(Sub):
    name = "DisplaySettings"

    def build(self, page: Page) -> None:
        page.title("Display", self.up)
        system = self.phone.settings["system"]
        page.row("Dark theme", on=lambda: self._toggle("dark_theme"), checked=system.get("dark_theme") == "1")
        page.row(
            "Auto-rotate screen",
            on=lambda: self._toggle("accelerometer_rotation"),
            checked=system["accelerometer_rotation"] == "1",
        )
        turned = "Landscape" if self.phone.rotation % 2 else "Portrait"
        page.row("Orientation", turned, on=lambda: self.app.go(Orientation(self.app)))
        page.row("Font size", "Default")
        page.row("Screen timeout", "After 30 seconds of inactivity")

    def _toggle(self, key: str) -> None:
        known = self.phone.settings["system"]
        known[key] = "0" if known.get(key) == "1" else "1"


class Orientation(Sub):
    name = "OrientationSettings"

    def build(self, page: Page) -> None:
        page.title("Orientation", self.up)
        for name, rotation in (("Portrait", 0), ("Landscape", 1), ("Reverse landscape", 3)):
            on = self.phone.rotation == rotation
            page.row(name, "Selected" if on else "", on=lambda rotation=rotation: self.phone.turn(rotation))


class Apps(Sub):
    name = "ManageApplications"

    def build(self, page: Page) -> None:
        page.title("Apps", self.up)
        for number, name in enumerate(INSTALLED):
            page.row(name, f"{12 + number * 7 % 90} MB", on=lambda name=name: self.app.go(AppInfo(self.app, name)))


class AppInfo(Sub):
    name = "AppInfo"

    def __init__(self, app: App, installed: str) -> None:
        super().__init__(app)
        self._installed = installed

    def build(self, page: Page) -> None:
        page.title("App info", self.up)
        page.text(self._installed, rid="entity_title", look="head", height=36)
        page.row("Notifications", "Allowed")
        page.row("Permissions", "No permissions granted")
        page.row("Storage", "12 MB used in internal storage")
        page.button("Uninstall", lambda: None, enabled=False)


class Sound(Sub):
    name = "SoundSettings"

    def build(self, page: Page) -> None:
        page.title("Sound", self.up)
        system = self.phone.settings["system"]
        on = system.get("vibrate") == "1"
        page.row("Vibrate for calls", on=self._toggle, checked=on)

    def _toggle(self) -> None:
        known = self.phone.settings["system"]
        known["vibrate"] = "0" if known.get("vibrate") == "1" else "1"


class About(Sub):
    name = "MyDeviceInfo"

    def build(self, page: Page) -> None:
        page.title("About phone", self.up)
        page.row("Device name", "Virtual Phone")
        page.row("Android version", "13")
        page.row("Serial number", self.phone.serial)


class Reset(Sub):
    name = "FactoryReset"

    def build(self, page: Page) -> None:
        page.title("Erase all data", self.up)
        page.text("This erases everything on this phone.")
        page.button("Erase all data", self._erase)

    def _erase(self) -> None:
        self.phone.files.clear()
        self.phone.notify("Erased", "Everything on this phone was erased")


class Settings(App):
    package = "com.android.settings"
    label = "Settings"
    colour = "#5f6b7a"

    def home(self) -> Screen:
        return Root(self)
