"""Messages: conversations, and a field whose button sends."""

from __future__ import annotations

from tests.android.phone.apps import App, Screen
from tests.android.phone.views import Page, View


class Conversations(Screen):
    name = "ConversationListActivity"
    app: Messages

    def build(self, page: Page) -> None:
        page.title("Messages")
        for name, said in self.app.threads.items():
            last = said[-1][1] if said else "No messages yet"
            page.row(name, last, on=lambda name=name: self.app.go(Thread(self.app, name)))


class Thread(Screen):
    name = "ConversationActivity"
    app: Messages

    def __init__(self, app: App, person: str) -> None:
        super().__init__(app)
        self._person = person

    def build(self, page: Page) -> None:
        page.title(self._person, self.app.back)
        dp, wide = page.dp, page.width
        page.y = dp(8)
        for mine, text in self.app.threads[self._person]:
            left = dp(72) if mine else dp(12)
            box = (left, page.y, left + wide - dp(84), page.y + dp(36))
            page.content.append(
                View(
                    "android.widget.TextView",
                    box,
                    text=text,
                    rid="message_text",
                    look="bubble",
                    colour="#d3e3fd" if mine else "",
                )
            )
            page.y = box[3] + dp(6)
        if self.app.sent:
            page.text("Sent", rid="message_status", look="summary")
        page.composer("compose_message_text", "Text message", self._send)

    def _send(self) -> None:
        field = self.field("compose_message_text")
        if field.text:
            self.app.threads[self._person].append((True, field.text))
            self.app.sent.append((self._person, field.text))
            field.select_all()
            field.erase()


class Messages(App):
    package = "com.android.messaging"
    label = "Messages"
    colour = "#188038"

    def __init__(self, phone: object) -> None:
        super().__init__(phone)  # type: ignore[arg-type]
        self.threads = {
            "Ada Lovelace": [(False, "The engine weaves algebraical patterns."), (True, "Lunch on Friday?")],
            "Grace Hopper": [(False, "Found a moth in relay 70.")],
            "Mum": [(False, "Call me when you are home")],
        }
        self.sent: list[tuple[str, str]] = []

    def home(self) -> Screen:
        return Conversations(self)
