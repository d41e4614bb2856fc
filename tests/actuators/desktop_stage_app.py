"""The page of the conformance kit as a GTK program. Runs inside the jail, under the system's own Python.

It listens on a socket in the desk: one JSON list in, one JSON value out: ["inner", "Name"], ["rename", "Agree", "X"],
["reset"], ["call", "animate", 400, 40].
"""

import json
import os
import socket
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402

SIZE = (640, 460)


class Stage:
    def __init__(self) -> None:
        self.window = Gtk.Window(title="Stage")
        self.window.set_default_size(*SIZE)
        self.window.connect("destroy", lambda *_: Gtk.main_quit())
        self.build()
        self.window.show_all()
        self.window.move(40, 30)

    def build(self) -> None:
        for child in self.window.get_children():
            child.destroy()
        self.saves = 0
        self.window.set_title("Stage")
        scroll = Gtk.ScrolledWindow()
        scroll.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.ALWAYS)
        self.page = page = Gtk.Fixed()
        page.set_size_request(600, 1400)
        scroll.add(page)
        self.window.add(scroll)
        self.fields = {}
        self.name = self.entry("Name", 10, 10)
        self.name.connect("activate", lambda *_: self.save())
        self.notes = Gtk.TextView()
        self.notes.set_size_request(260, 60)
        self.notes.get_accessible().set_name("Notes")
        page.put(self.notes, 320, 10)
        self.password = self.entry("Password", 10, 50)
        self.password.set_visibility(False)
        self.password.set_input_purpose(Gtk.InputPurpose.PASSWORD)
        self.password.get_accessible().set_role(__import__("gi").repository.Atk.Role.PASSWORD_TEXT)
        self.agree = Gtk.CheckButton(label="Agree")
        page.put(self.agree, 10, 90)
        self.button("Save", 10, 125, self.save)
        self.dodge = self.button("Dodge", 10, 165, lambda: self.say("dodge"))
        self.dodge.connect("enter-notify-event", lambda *_: page.move(self.dodge, 10, 340))
        fickle = self.button("Fickle", 110, 165, lambda: self.say("fickle"))
        fickle.connect("enter-notify-event", lambda *_: fickle.set_label("Buy now"))
        self.bin = self.button("Bin", 200, 205, lambda: None)
        self.parcel = self.button("Parcel", 10, 205, lambda: None)
        self.parcel.connect("button-release-event", self.drop)
        self.saved = self.entry("Saved", 10, 245, editable=False)
        self.dropped = self.entry("Dropped", 10, 285, editable=False)
        page.put(Gtk.Label(label="Bottom"), 10, 1300)
        self.canvas = Gtk.EventBox()
        self.canvas.add(Gtk.DrawingArea())
        self.canvas.set_size_request(200, 100)
        self.shade = 0.0
        self.paint()
        page.put(self.canvas, 360, 120)
        scroll.show_all()

    def entry(self, name, x, y, editable=True):
        found = Gtk.Entry()
        found.set_size_request(260, 30)
        found.set_editable(editable)
        found.set_can_focus(editable)
        found.get_accessible().set_name(name)
        self.page.put(found, x, y)
        self.fields[name] = found
        return found

    def button(self, name, x, y, then):
        found = Gtk.Button(label=name)
        found.connect("clicked", lambda *_: then())
        self.page.put(found, x, y)
        return found

    def say(self, text):
        self.saved.set_text(text)

    def save(self):
        self.saves += 1
        self.say(f"{self.name.get_text()} {self.saves}")

    def drop(self, widget, event):
        box = self.bin.get_allocation()
        x, y = widget.translate_coordinates(self.bin, int(event.x), int(event.y))
        if 0 <= x < box.width and 0 <= y < box.height:
            self.dropped.set_text("Parcel in Bin")
        return False

    def paint(self):
        colour = Gdk.RGBA(self.shade, 0.4, 0.6, 1.0)
        self.canvas.override_background_color(Gtk.StateFlags.NORMAL, colour)

    def inner(self, name):
        if name == "Notes":
            text = self.notes.get_buffer()
            return text.get_text(text.get_start_iter(), text.get_end_iter(), True)
        return self.fields.get(name, self.name).get_text()

    def rename(self, name, to):
        if name == "Agree":
            self.agree.set_label(to)
        else:
            self.fields[name].get_accessible().set_name(to)

    def focus(self):
        """What has the keyboard, by the toolkit's own word."""
        widget = self.window.get_focus()
        told = widget.get_accessible().get_name() if widget is not None else ""
        return [told, self.window.is_active(), self.window.has_toplevel_focus()]

    def reset(self):
        self.build()

    def where(self):
        """The middle of the canvas in the root's coordinates, in logical pixels."""
        window = self.canvas.get_window()
        _, x, y = window.get_origin()
        box = self.canvas.get_allocation()
        return [x + box.x + box.width // 2, y + box.y + box.height // 2]

    def animate(self, for_ms, every_ms, after_ms=0):
        """Draw every so often for so long; the clock of the machine says when the last one was drawn."""
        self.last = None

        def begin():
            until = GLib.get_monotonic_time() + for_ms * 1000

            def step():
                self.shade = (self.shade + 0.13) % 1.0
                self.paint()
                self.last = GLib.get_monotonic_time() / 1e6
                return GLib.get_monotonic_time() < until

            step()
            GLib.timeout_add(every_ms, step)
            return False

        GLib.timeout_add(after_ms, begin) if after_ms else begin()

    def animated(self):
        return self.last

    def hang(self, seconds):
        GLib.timeout_add(10, lambda: __import__("time").sleep(seconds) or False)

    def fail(self):
        GLib.timeout_add(10, lambda: os._exit(3))

    def menu(self):
        menu = Gtk.Menu()
        for label in ("Cut", "Delete all"):
            menu.append(Gtk.MenuItem(label=label))
        menu.show_all()
        self.menu_shown = menu
        menu.popup_at_widget(self.agree, Gdk.Gravity.SOUTH_WEST, Gdk.Gravity.NORTH_WEST, None)


def serve(stage, path):
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    door.listen(8)

    def come(*_):
        line, _ = door.accept()
        with line, line.makefile("rw") as file:
            for told in file:
                name, *given = json.loads(told)
                file.write(json.dumps(getattr(stage, name)(*given)) + "\n")
                file.flush()
                break
        return True

    GLib.io_add_watch(door.fileno(), GLib.IO_IN, come)


if __name__ == "__main__":
    stage = Stage()
    serve(stage, sys.argv[1])
    Gtk.main()
