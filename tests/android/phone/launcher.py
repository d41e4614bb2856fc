"""The home screen: one icon for each app."""

from __future__ import annotations

from tests.android.phone.apps import App, Screen
from tests.android.phone.views import Page, View


class Home(Screen):
    name = "Launcher"

    def build(self, page: Page) -> None:
        dp, across = page.dp, 4
        wide = page.width // across
        others = [app for app in self.phone.apps.values() if app is not self.app]
        for number, app in enumerate(others):
            left, top = number % across * wide, dp(24) + number // across * dp(92)
            box = (left, top, left + wide, top + dp(84))
            open_ = lambda app=app: self.phone.launch(app.package)  # noqa: E731
            page.content.append(
                View("android.widget.TextView", box, text=app.label, look="icon", colour=app.colour, on_tap=open_)
            )

    def left(self) -> bool:
        return False


class Launcher(App):
    package = "com.android.launcher3"
    label = "Home"

    def home(self) -> Screen:
        return Home(self)
