"""An app for the tests of hands: the page that `tests/contract` describes, and a sheet that tells where it was touched."""

from __future__ import annotations

from tests.android.phone.apps import App, Screen
from tests.android.phone.views import Page, View


class Form(Screen):
    """Names can be changed from outside, as a page that means no good would do."""

    name = "FormActivity"
    app: Pages

    def build(self, page: Page) -> None:
        dp, called = page.dp, self.app.called
        page.title("Contract")
        page.field("name", called("Name"), on_action=self._save)
        page.field("notes", called("Notes"), lines=True)
        page.field("password", called("Password"), password=True)
        page.check(called("Agree"), self._agree, self.app.agreed)
        page.button(called("Save"), self._save)
        top = page.y
        for number, name in enumerate(("Dodge", "Fickle", "Parcel", "Bin")):
            box = (dp(16 + number * 84), top, dp(92 + number * 84), top + dp(44))
            view = View(
                "android.widget.Button", box, text=called(name), look="flat", on_tap=lambda: None, rid=name.lower()
            )
            if name == "Parcel":
                view.on_drop = self._drop
            page.content.append(view)
        page.y = top + dp(52)
        page.text(self.app.saved, rid="saved").desc = "Saved"
        page.text(self.app.dropped, rid="dropped").desc = "Dropped"
        page.y = max(page.y, dp(900))
        page.text("Bottom")

    def _agree(self) -> None:
        self.app.agreed = not self.app.agreed

    def _save(self) -> None:
        self.app.saves += 1
        self.app.saved = f"{self.text('name')} {self.app.saves}"

    def _drop(self, onto: View | None) -> None:
        self.app.dropped = f"Parcel in {onto.text if onto else 'nothing'}"


class Pages(App):
    package = "org.deskhand.pages"
    label = "Pages"
    colour = "#6750a4"

    def __init__(self, phone: object) -> None:
        super().__init__(phone)  # type: ignore[arg-type]
        self.renamed: dict[str, str] = {}
        self.agreed = False
        self.saved = self.dropped = ""
        self.saves = 0

    def called(self, name: str) -> str:
        return self.renamed.get(name, name)

    def home(self) -> Screen:
        return Form(self)
