"""Contacts: a list to search, a form to fill in, and a card for each."""

from __future__ import annotations

from dataclasses import dataclass

from tests.android.phone.apps import App, Screen
from tests.android.phone.views import Page


@dataclass
class Contact:
    name: str
    number: str
    email: str = ""
    notes: str = ""


KNOWN = (
    Contact("Ada Lovelace", "+44 20 7946 0815", "ada@example.org"),
    Contact("Alan Turing", "+44 1234 567890", "alan@example.org", "Enigma"),
    Contact("Émilie du Châtelet", "+33 1 42 68 53 00", "emilie@example.org"),
    Contact("Grace Hopper", "+1 202 555 0143", "grace@example.org", "Call before nine"),
    Contact("Hedy Lamarr", "+43 1 4000", "hedy@example.org"),
    Contact("Katherine Johnson", "+1 757 555 0117", "katherine@example.org"),
    Contact("Mary Somerville", "+44 131 496 0000", "mary@example.org"),
    Contact("Sophie Germain", "+33 1 44 27 30 00", "sophie@example.org"),
)


class People(Screen):
    name = "PeopleActivity"
    app: Contacts

    def build(self, page: Page) -> None:
        page.title("Contacts")
        page.field("search", "Search contacts", action="search")
        wanted = self.text("search").casefold().strip()
        found = [one for one in self.app.known if wanted in one.name.casefold()]
        for one in sorted(found, key=lambda one: one.name):
            page.row(one.name, one.number, on=lambda one=one: self.app.go(Card(self.app, one)))
        if not found:
            page.text("No contacts found")
        page.floating("Create contact", lambda: self.app.go(Editor(self.app)))


class Editor(Screen):
    name = "ContactEditorActivity"
    app: Contacts

    def build(self, page: Page) -> None:
        page.title("Create contact", self.app.back, (("Save", self._save),))
        page.field("first_name", "First name", action="next")
        page.field("last_name", "Last name", action="next")
        page.field("phone", "Phone", action="next")
        page.field("email", "Email", action="next")
        page.field("notes", "Notes", lines=True)

    def _save(self) -> None:
        name = " ".join(filter(None, (self.text("first_name").strip(), self.text("last_name").strip())))
        if not name:
            return
        made = Contact(name, self.text("phone"), self.text("email"), self.text("notes"))
        self.app.known.append(made)
        self.app.screens.pop()
        self.app.go(Card(self.app, made))


class Card(Screen):
    name = "QuickContactActivity"
    app: Contacts

    def __init__(self, app: App, contact: Contact) -> None:
        super().__init__(app)
        self._contact = contact

    def build(self, page: Page) -> None:
        page.title("Contact", self.app.back)
        page.text(self._contact.name, rid="large_title", look="head", height=40)
        page.text(self._contact.number, rid="number")
        if self._contact.email:
            page.text(self._contact.email, rid="email")
        for line in filter(None, self._contact.notes.split("\n")):
            page.text(line, rid="note")
        page.button("Call", lambda: self.phone.notify("Call", f"Calling {self._contact.name}"))
        page.button("Delete contact", self._delete, look="flat")

    def _delete(self) -> None:
        self.app.known.remove(self._contact)
        self.app.back()


class Contacts(App):
    package = "com.android.contacts"
    label = "Contacts"
    colour = "#1a73e8"

    def __init__(self, phone: object) -> None:
        super().__init__(phone)  # type: ignore[arg-type]
        self.known = [Contact(one.name, one.number, one.email, one.notes) for one in KNOWN]

    def home(self) -> Screen:
        return People(self)
