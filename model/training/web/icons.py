"""Icons by meaning, from icon packages that are installed for training only.

A folder of npm packages (`npm install --prefix FOLDER @tabler/icons lucide-static ...`) is read; nothing of it is kept
in the repository. Some families are never trained on: they are the examination's.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from model.training.words import Split

__all__ = ["FAMILIES", "MEANINGS", "Icon", "Icons"]

FAMILIES: dict[Split, tuple[str, ...]] = {
    "train": ("tabler", "tabler-filled", "lucide", "bootstrap", "mdi", "fontawesome", "remix", "octicons", "material"),
    "held": ("ionicons", "phosphor", "heroicons"),
}
"""Icon families by split; the two never share one."""

_PLACES: dict[str, tuple[str, ...]] = {
    "tabler": ("@tabler/icons/icons/outline",),
    "tabler-filled": ("@tabler/icons/icons/filled",),
    "lucide": ("lucide-static/icons",),
    "bootstrap": ("bootstrap-icons/icons",),
    "mdi": ("@mdi/svg/svg",),
    "fontawesome": ("@fortawesome/fontawesome-free/svgs/solid", "@fortawesome/fontawesome-free/svgs/regular"),
    "remix": ("remixicon/icons",),
    "octicons": ("@primer/octicons/build/svg",),
    "material": ("@material-design-icons/svg/round", "@material-design-icons/svg/outlined"),
    "ionicons": ("ionicons/dist/svg",),
    "phosphor": (
        "@phosphor-icons/core/assets/regular",
        "@phosphor-icons/core/assets/bold",
        "@phosphor-icons/core/assets/fill",
    ),
    "heroicons": ("heroicons/24/outline", "heroicons/24/solid"),
}

_TABLE = """
search: search magnify magnifying-glass | Search, Find, Look up
close: close xmark x-mark x-lg x | Close, Dismiss
menu: menu menu-2 list bars bars-3 three-bars | Menu, Open menu, Navigation
settings: settings cog gear cog-6-tooth settings-3 | Settings, Preferences, Options
delete: trash delete trash-can trash-2 delete-bin delete-outline | Delete, Remove, Move to trash
edit: pencil edit pen edit-2 | Edit, Modify, Rename
add: plus add plus-lg | Add, New, Create
remove: minus remove subtract dash | Remove one, Less, Decrease
back: arrow-left arrow-back arrow_back | Back, Go back
forward: arrow-right arrow-forward arrow_forward | Forward, Go forward
up: arrow-up arrow_upward | Up, Move up
down: arrow-down arrow_downward | Down, Move down
previous: chevron-left keyboard_arrow_left chevron_left arrow-left-s caret-left chevron-back | Previous
next: chevron-right keyboard_arrow_right chevron_right arrow-right-s caret-right chevron-forward | Next
expand: chevron-down keyboard_arrow_down expand_more arrow-down-s caret-down | Expand, Show
collapse: chevron-up keyboard_arrow_up expand_less arrow-up-s caret-up | Collapse, Hide
home: home house home-2 | Home, Start page
user: user person account user-3 | Profile, Account, User
users: users people account-group group user-group users-2 team | People, Team, Members
cart: shopping-cart cart shopping_cart | Cart, Basket
bag: shopping-bag bag shopping handbag shopping_bag | Bag, Shopping bag
heart: heart favorite | Favourite, Like, Wishlist
star: star grade | Star, Rate, Favourites
bell: bell notifications notification | Notifications, Alerts
mail: mail email envelope | Mail, E-mail, Messages
inbox: inbox tray inbox-archive file-tray | Inbox
calendar: calendar event calendar_today calendar-blank | Calendar, Pick a date, Open calendar
clock: clock schedule time access_time clock-outline | Time, History, Recent
download: download file_download download-simple arrow-down-tray | Download, Save to disk
upload: upload file_upload upload-simple arrow-up-tray | Upload, Send file
share: share share-2 share-nodes share-social share-network share-android | Share
print: printer print | Print
play: player-play play play_arrow | Play, Start
pause: player-pause pause | Pause
stop: player-stop stop square | Stop
skip: player-skip-forward skip-next skip-forward skip_next forward-step skip-end | Skip, Next track
volume: volume volume-high volume-up volume_up volume-2 speaker-high speaker-wave volume-high-outline speaker-wave | Sound, Volume
mute: volume-off volume-mute volume_off volume-x volume-xmark speaker-slash speaker-x-mark mute | Mute
lock: lock | Lock, Private
unlock: lock-open unlock lock_open lock-open-variant lock-simple-open | Unlock
eye: eye visibility | Show password, View, Preview
hide: eye-off visibility_off eye-slash eye-closed | Hide password, Hide
filter: filter funnel filter_alt filter-outline | Filter, Filters
sort: arrows-sort sort sort-descending arrow-up-down swap_vert arrows-up-down sort-down swap-vertical arrow-down-up | Sort, Change order
refresh: refresh refresh-cw arrow-clockwise rotate-right sync arrow-path arrows-clockwise rotate-cw arrows-rotate | Refresh, Reload
more: dots three-dots more_horiz dots-horizontal ellipsis ellipsis-horizontal kebab-horizontal dots-three more | More, More options
more-vertical: dots-vertical three-dots-vertical more_vert ellipsis-vertical dots-three-vertical kebab-vertical more-2 | More, Options
help: help question-mark question help-circle circle-help question-circle question-mark-circle circle-question help_outline circle-question-mark | Help, Support
info: info-circle info information information-circle circle-info information-outline | Info, Information, About
warning: alert-triangle warning triangle-alert exclamation-triangle alert triangle-exclamation error-warning | Warning, Problem
check: check done check-lg checkmark check-fat | Done, Confirm, Accept
camera: camera photo_camera camera-alt | Camera, Take a photo
phone: phone call telephone phone-outline | Call, Phone
location: map-pin place location-dot geo-alt map-marker location location_on | Location, Place, Address
map: map map-2 map-trifold | Map, Show map
folder: folder file-directory | Folder, Open folder
file: file file-earmark insert_drive_file file-outline document | File, Document
copy: copy content-copy content_copy files square-2-stack file-copy document-duplicate | Copy, Duplicate
paste: clipboard content-paste content_paste paste | Paste, Clipboard
cut: cut scissors content-cut content_cut | Cut
undo: arrow-back-up undo arrow-counterclockwise undo-2 arrow-u-up-left arrow-uturn-left rotate-left arrow-go-back return-up-back | Undo
redo: arrow-forward-up redo redo-2 arrow-90deg-right arrow-u-up-right arrow-uturn-right arrow-go-forward return-up-forward | Redo
save: device-floppy save floppy content-save floppy-disk | Save
link: link link-45deg insert_link | Link, Insert link, Copy link
image: photo image images picture | Image, Insert image, Picture
attach: paperclip attachment attach_file attach | Attach, Attach file
send: send paper-plane paper-airplane send-plane paper-plane-tilt | Send
chat: message-circle chat message comment chat_bubble chatbubble chat-bubble-oval-left chat-circle message-3 | Chat, Comments, Message
globe: world globe web earth public global globe-alt | Language, Website, Public
sun: sun sunny light_mode weather-sunny | Light mode, Brightness
moon: moon dark_mode weather-night | Dark mode, Night
wifi: wifi | Wi-Fi, Network
bluetooth: bluetooth | Bluetooth
battery: battery-3 battery battery_full battery-full battery-high battery-100 | Battery
power: power power-off power_settings_new shut-down | Power, Shut down
logout: logout log-out box-arrow-right right-from-bracket sign-out logout-box-r arrow-right-on-rectangle arrow-right-start-on-rectangle log-out | Sign out, Log out
login: login log-in box-arrow-in-right right-to-bracket sign-in login-box arrow-left-on-rectangle arrow-right-end-on-rectangle | Sign in, Log in
key: key vpn_key | Key, Password
shield: shield security shield-outline | Security, Protection
gift: gift card_giftcard | Gift, Offers
tag: tag sell label local_offer pricetag price-tag-3 | Tag, Labels
bookmark: bookmark | Bookmark, Save for later
flag: flag | Flag, Report
pin: pin push_pin thumbtack pushpin push-pin | Pin
grid: layout-grid grid grid_view view-grid squares-2x2 squares-four apps | Grid view, Apps
list: list-details list-bullets list-ul view_list view-list list-unordered format-list-bulleted queue-list list | List view
chart: chart-bar bar-chart bar_chart chart-simple graph stats-chart | Statistics, Reports
mic: microphone mic microphone-outline | Microphone, Voice, Dictate
video: video videocam camera-video video-camera | Video, Video call
music: music music_note music-note-beamed musical-notes musical-note music-note | Music
headphones: headphones headset headphone | Headphones, Audio
credit-card: credit-card credit_card bank-card card | Card, Payment
truck: truck local_shipping | Delivery, Shipping
plane: plane flight airplane paper-plane-2 | Flights
car: car directions_car car-front | Cars
train: train | Trains
bold: bold format_bold format-bold text-b | Bold
italic: italic format_italic format-italic text-italic type-italic | Italic
underline: underline format_underlined format-underline text-underline type-underline | Underline
align-left: align-left format_align_left format-align-left text-left text-align-left text-align-start | Align left
table: table table_chart table-cells | Insert table, Table
code: code code-slash code-tags | Code
terminal: terminal console command-line | Terminal
fullscreen: maximize fullscreen arrows-fullscreen expand arrows-out arrows-pointing-out | Full screen, Enlarge
zoom-in: zoom-in zoom_in magnifying-glass-plus magnify-plus | Zoom in
zoom-out: zoom-out zoom_out magnifying-glass-minus magnify-minus | Zoom out
external: external-link open_in_new box-arrow-up-right arrow-up-right-from-square open-in-new link-external arrow-square-out arrow-top-right-on-square | Open in new window
thumbs-up: thumb-up thumbs-up thumb_up hand-thumbs-up thumbsup hand-thumb-up | Like
thumbs-down: thumb-down thumbs-down thumb_down hand-thumbs-down thumbsdown hand-thumb-down | Dislike
smile: mood-smile smile emoji-smile emoticon-outline face-smile emotion smiley happy | Emoji, Insert emoji
book: book menu_book book-open | Library, Documentation
archive: archive | Archive
reply: reply corner-up-left arrow-bend-up-left return-up-back | Reply
qr: qrcode qr-code qr_code | QR code, Scan
language: language translate | Translate
contrast: contrast circle-half circle-half-stroke contrast-circle | Contrast
"""


def _parse() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for line in _TABLE.strip().splitlines():
        meaning, rest = line.split(":", 1)
        stems, names = rest.split("|")
        found[meaning] = (tuple(stems.split()), tuple(name.strip() for name in names.split(",")))
    return found


_ENTRIES = _parse()
MEANINGS: dict[str, tuple[str, ...]] = {meaning: names for meaning, (_, names) in _ENTRIES.items()}
"""What an icon means -> how a control with it is usually called."""

_SUFFIXES = ("", "-line", "-fill", "-outline", "-24", "-16", "-bold", "-sharp")


@dataclass(frozen=True)
class Icon:
    """One drawing: `body` is the inside of an svg element, `box` its viewBox, `attributes` the svg's own painting."""

    meaning: str
    family: str
    body: str
    box: str
    attributes: str

    @property
    def stroked(self) -> bool:
        """Whether the lines are strokes, so that their width can be changed."""
        return "stroke-width" in self.attributes


def _read(path: Path, meaning: str, family: str) -> Icon | None:
    text = re.sub(r"<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.S)
    match = re.search(r"<svg\b([^>]*)>(.*)</svg>", text, re.S)
    if not match:
        return None
    head, body = match.groups()
    body = re.sub(r"<title>.*?</title>", "", body, flags=re.S)
    body = re.sub(r"\s+", " ", body).strip()
    box = re.search(r'viewBox="([^"]+)"', head)
    if not box or len(body) > 4000 or "#" in re.sub(r"url\(#", "", body):
        return None
    kept = re.findall(r'\b((?:fill|stroke|stroke-width|stroke-linecap|stroke-linejoin)="[^"]*")', head)
    attributes = " ".join(kept)
    if "fill=" not in attributes:
        attributes += ' fill="currentColor"'
    return Icon(meaning, family, body, box.group(1), attributes.strip())


class Icons:
    """The icons of one split that are found under a folder of npm packages; none where the folder is None or empty."""

    def __init__(self, folder: Path | None, split: Split) -> None:
        self.split = split
        self.families = _families(folder, split) if folder else {}
        self.by_meaning: dict[str, list[Icon]] = {}
        for icons in self.families.values():
            for icon in icons:
                self.by_meaning.setdefault(icon.meaning, []).append(icon)

    def __bool__(self) -> bool:
        return bool(self.by_meaning)


@functools.lru_cache(maxsize=4)
def _families(folder: Path, split: Split) -> dict[str, tuple[Icon, ...]]:
    root = folder / "node_modules" if (folder / "node_modules").is_dir() else folder
    found: dict[str, tuple[Icon, ...]] = {}
    for family in FAMILIES[split]:
        for number, place in enumerate(_PLACES[family]):
            files = (
                {path.stem: path for path in sorted((root / place).rglob("*.svg"))} if (root / place).is_dir() else {}
            )
            icons = [icon for meaning in _ENTRIES for icon in _lookup(files, meaning, family)]
            if icons:
                found[family if not number else f"{family}-{number}"] = tuple(icons)
    return found


def _lookup(files: dict[str, Path], meaning: str, family: str) -> list[Icon]:
    """Every style of the first stem that the family has."""
    for stem in _ENTRIES[meaning][0]:
        icons = []
        for suffix in _SUFFIXES:
            path = files.get(stem + suffix)
            icon = _read(path, meaning, family) if path else None
            if icon:
                icons.append(icon)
        if icons:
            return icons
    return []
