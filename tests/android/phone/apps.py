"""What every app on the phone is: a package with screens on a stack, each with fields and a place it is scrolled to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.android.phone.views import Field, Page

if TYPE_CHECKING:
    from tests.android.phone.device import Phone


class Screen:
    """One activity. `build` lays it out anew whenever the phone is looked at."""

    name = "Main"

    def __init__(self, app: App) -> None:
        self.app = app
        self.fields: dict[str, Field] = {}
        self.scrolled = 0.0

    @property
    def phone(self) -> Phone:
        return self.app.phone

    def field(self, rid: str) -> Field:
        return self.fields.setdefault(rid, Field())

    def text(self, rid: str) -> str:
        return self.field(rid).text

    def build(self, page: Page) -> None: ...

    def left(self) -> bool:
        """Whether Back leaves this screen; False where it did something else."""
        return True


class App:
    package = "org.example.app"
    label = "App"
    colour = "#3056b4"

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.screens: list[Screen] = []

    def home(self) -> Screen:
        raise NotImplementedError

    def go(self, screen: Screen) -> None:
        """One screen further."""
        self.screens.append(screen)
        self.phone.moved_on()

    def back(self) -> None:
        if self.screens[-1].left():
            self.screens.pop()
            self.phone.moved_on()
            if not self.screens:
                self.phone.home()
        self.phone.changed()
