"""Words of interfaces: which can stand for which, and what is the same word in another form.

English only. A judgement of two words is a number from 0 (nothing in common) to 1 (the same); nothing here knows of
screens.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["FAINT", "MONTHS", "SMALL", "kin", "skeleton", "split", "stem", "words_of"]

_STRONG = """
cart basket bag trolley
settings setting gear cog preference preferences option configure configuration customise customize
delete trash bin remove rubbish discard erase dustbin garbage clear wastebasket
search find magnifier lookup loupe query seek
close dismiss x × ✕ ✖ cross exit quit hide
menu hamburger navigation ☰ lines stacked
home house ⌂
user person account profile avatar me
user person people contact member silhouette friend
mail email envelope inbox message letter ✉
message letter chat text sms dm
edit pencil pen modify rename change ✎ ✏
edit modify change amend correct update alter
add plus + new create make insert ＋
new compose write start
write draft
bell notification notifications alert reminder alarm
heart favourite favorite like wish love save saved ♥ ♡
star favourite favorite bookmark starred rate ★ ☆
follow subscribe watch
eraser erase rubber
download save export get ⬇ ⤓
upload import ⬆ attach
share forward send
forward redirect
lock secure private padlock locked
private visibility who
eye show view visibility preview visible reveal
eye hide
add put
hide conceal invisible
more dots dot ellipsis overflow option options kebab action actions extra … ⋮ ⋯
help question support assistance faq ?
info information about detail details i
warning alert caution ⚠ problem error
phone call telephone dial handset ring ☎
location pin map place marker position gps
refresh reload sync update ⟳ ↻
undo ↶ revert
redo ↷
back previous prev earlier ← ‹ « return
forward next → › » continue
next skip following later
older earlier previous
newer later next
photo camera picture image photograph snapshot
picture image illustration drawing
gallery photos album
calendar date schedule agenda day
login signin enter
signup register join
signup account
join become enrol enroll participate
logout signout leave exit
attach clip paperclip attachment paperclip file
send submit post publish ➤
globe language world web internet translate
language locale translation
moon dark night theme
sun light day brightness
play start run ▶ ► listen
pause ⏸ stop halt
stop ■ halt end
kill stop terminate end abort
copy duplicate clone
filter funnel narrow
print printer
chat message comment bubble conversation speech discussion talk
comment reply answer respond note
reply answer respond
folder directory
clock time history recent recents watch
recent recents history last latest newest
microphone mic voice record mike
volume sound speaker audio loudness
mute silence unmute speaker loudspeaker sound
cancel abort discard
ok okay confirm accept agree yes
agree accept consent approve allow
decline reject refuse deny no necessary essential
cut scissor scissors
expand chevron open unfold ▸ ▾ ⌄
collapse fold close shrink ▾ ▴
video film movie clip camera watch
smiley emoji react reaction emoticon smile face ☺
up upvote raise increase ▲ ↑ higher
down downvote lower decrease ▼ ↓ lower
more increase plus + greater add extra
fewer less decrease minus reduce − - remove
sort order sorted arrange ordering
report flag ⚑
picker pipette eyedropper dropper
bug debug debugger
branch fork source git
password passcode pin
money payment pay funds
payment card
hide collapse
dismiss close remove
buy purchase order
buy purchase basket cart bag
checkout pay payment
book reserve booking reservation
maximise maximize enlarge fullscreen bigger full □
minimise minimize −
fullscreen full expand enlarge
zoom magnifier magnify enlarge magnifying
topic subject about title regarding
subject title
problem issue trouble bug fault
issue ticket
issue problem bug
car vehicle auto automobile
zone area region district
badge permit
hold have own
birth birthday born dob
mobile phone cell telephone
phone telephone tel
tel telephone number
address street
surname last family
first given forename
postcode zip postal
town city
country nation
amount sum total
sum total
price cost
price money amount
cheap inexpensive
month monthly
year annual yearly
day daily
week weekly
notify inform tell get alert
notify email mail
email mail
fee due dues
overdue late
joined join since joining
member people person user
period range duration time dates
duration length long
guest traveller traveler passenger visitor adult
people guests adults persons
room accommodation
arrive arrival checkin
leave departure checkout depart
fly flight plane
hotel stay accommodation
destination where going to
origin from departure
shop store market
product item goods article
order purchase
delivery shipping dispatch post
deliver ship send
offer deal discount sale promotion bargain
sale discount reduced
coupon voucher code promo
review rating opinion feedback
rating star review score stars
feedback comment opinion
wishlist wish list favourites
stock availability
size dimension
colour color tint hue
colour color palette
paint bucket fill
brush paintbrush
lasso free freehand
text type letters letter
crop trim
move drag arrows
rotate turn spin
flip mirror
layer layers
opacity transparency alpha
mode kind type
type kind sort category
category group type
tag label topic hashtag #
label tag
language tongue
welsh cymraeg
german deutsch
french francais français
spanish espanol español
italian italiano
dutch nederlands
chinese 中文
japanese 日本語
song track tune music
track song
playlist list
artist singer band musician
album record
lyric lyrics words
library collection
queue upcoming playlist
repeat loop again
shuffle random mix
rewind back
station channel radio
channel room
subtitle caption cc captions subtitles
quality resolution definition
speed rate pace
picture pip miniature
theatre theater cinema wide
playback play
recipe dish meal
portion serving servings portions people
ingredient ingredients
fewer less
print paper
note memo remark
keep save store
save store keep persist apply
apply save confirm
reset clear restart default defaults
reset restore
restart reboot again over
clear empty reset
start begin launch commence
begin start commence
launch start open
stop end finish
finish done complete end
done complete finished completed ✓ ✔
accepted ✔ ✓ accept solved
check tick ✓ ✔ mark
next step continue proceed on
continue proceed next
install setup add
uninstall remove
update upgrade
licence license terms agreement
terms conditions agreement
condition terms
privacy private
cookie cookies
legal imprint
disk drive storage volume
drive disk
storage space disk
file document
document file paper doc
image picture photo
spreadsheet sheet table
sheet tab page
row line
column field
cell box
formula function fx
bold strong thick b
italic slanted i oblique
underline underlined u
align alignment
left start
centre center middle
right end
chart graph plot diagram
graph chart
function formula
merge combine join
split divide
split side
freeze fix
terminal console shell
console terminal
explorer files file
extension plugin addon extensions add-on
plugin extension
repository repo project
repo repository
commit save change
commits history
pull merge
code source
source code
issue bug
wiki encyclopedia
article page entry
contents toc index
section chapter
history revisions versions changes
version revision release
edit source
talk discussion
reference references source citation footnote
cite citation
link url address hyperlink
link chain
url link address
watchlist watch
random any
traffic cars
traffic congestion
transit transport bus public train
transport transit bus tram
bike bicycle cycle cycling bicycling
walk walking foot pedestrian
drive driving car
directions route navigate way navigation
route way directions path
satellite aerial imagery
layers layer map
compass north
zoom closer magnify
closer in zoom
further out zoom
nearby near around close
here location current my
restaurant food eat restaurants
cafe coffee café
coffee café cafe
fuel petrol gas
parking park car
headline title
news story article
story article
opinion comment editorial
weather forecast
sport sports
business economy finance
newsletter email
subscribe subscription newsletter
podcast listen audio
listen audio hear
read article
bluetooth wireless
wifi wireless network internet wlan
network internet connection
aeroplane airplane plane flight
battery power
battery energy
display screen brightness
screen display monitor
brightness light
sound volume audio
hotspot tethering
app application program apps
program app application
system os device
device machine computer
keyboard typing keys
mouse pointer
wallpaper background
background wallpaper backdrop
theme appearance dark look
appearance theme look style
font typeface letter text
accessibility assistive
security protection safety password
permission permissions access
access permission
backup copy
notification alerts
vibrate vibration
timezone zone
date day
today now
tomorrow
event appointment meeting
appointment event meeting
meeting call event
invite invitation
invite ask
attendee guest invitee
month
agenda schedule list
schedule timetable plan
reschedule move
duplicate copy
archive store
unread new
unread bold
snooze later remind
spam junk
draft drafts
sent outbox
inbox received incoming
compose write new
primary main
main primary
priority importance urgent
urgent priority
urgent important
assign assignee give
owner assignee
status state
state status
open
closed done
dashboard overview home
overview summary dashboard
summary overview
statistics stats analytics numbers
analytics statistics report
report statistics
report reports
revenue income earnings
sales revenue
income salary wages
expense spending cost
balance money
account balance
transfer send move
transfer money
transaction payment
dispute contest challenge complain
card credit
loan credit
savings save
bank
invoice bill
bill invoice
payee recipient who
recipient to
dispute
contact person
contact reach
customer client
client customer
lead prospect
company organisation organization firm business
team group
group team
staff employee people
role job
job position
job work
hang end
keypad dialpad numbers
speaker loudspeaker
hold pause
voicemail mailbox
hash #
pound #
star * asterisk
asterisk *
at @
percent %
euro €
pound £
dollar $
backspace delete ⌫
digit number
number digit count
triangle play run start ▶ back expand
square stop overview recent
circle home record
cross close x
arrow next back
arrowright next forward older right → › later
arrowleft previous back newer left ← ‹ earlier
arrowup up upvote raise ↑ ▲ top
arrowdown down downvote lower ↓ ▼ download
dashed select rectangle
thumbup like
thumbdown dislike
like thumb
dislike thumb
fire hot trending
hot popular trending
popular top trending
top best
best top
trending popular
explore discover browse
discover explore
browse explore see
wand magic
magic auto
automation automatic robot
bookmark save
ribbon bookmark
briefcase business work
building company
truck delivery
gift present
key password
shield security protection
cloud online sync
lightning fast flash bolt
bolt flash lightning
flash light torch
torch flashlight
lamp bulb light
bulb idea tip light
leaf eco
tool wrench spanner tools
wrench settings tool repair
repair fix mend repaired
fix repair solve
hammer build
paperplane send
plane send
calculator calculate
wallet payment
receipt invoice
trophy award
crown premium
premium upgrade pro
qr code
barcode scan
scan scanner
headphone headphones audio
television tv
monitor screen display
laptop computer
server host
database data
chip cpu processor
stopwatch timer
timer countdown stopwatch
hourglass wait
thermometer temperature
umbrella rain
snowflake cold
drop water
grid tiles apps
tiles grid
grid icons
list rows
table grid
view layout display
layout view
sidebar panel
panel sidebar pane
panel window
pane panel
window dialog
dialog popup modal
box dialog
popup dialog
banner notice message
notice banner message alert
tip hint
load show
seek progress position timeline scrub jump
main top lead
hint tip
tour guide
guide manual help
manual guide handbook documentation
documentation docs manual
docs documentation
tutorial lesson guide
learn more
learn tutorial
about info
terms
rename name
duplicate
select choose pick mark
choose select pick
pick choose select
all everything every whole entire
every all each
none nothing
any all
show display
show reveal unhide
display show
enable activate on
disable deactivate off
activate enable
on enable
off disable
connect link join
disconnect unlink
pair connect
approve accept
reject decline
block ban
ban block
enlarge zoom bigger
bigger enlarge larger increase
smaller shrink reduce decrease
text words
describe description
description describe details
explain description
remote away
colleague coworker
connect access
computer pc machine
informed notify told
screenshot picture capture
capture screenshot
attach add upload
topic about
"""
"""One group a line. A word may stand in many; belonging does not pass on from group to group."""

_PHRASES: tuple[tuple[str, str], ...] = (
    (r"pick a date|choose a date|date picker", "calendar"),
    (r"(?:insert|add) (?:an? )?(?:image|picture|photo)", "image"),
    (r"magnifying glass|looking glass", "magnifier"),
    (r"look(?:ing)? (?:up|for)", "search"),
    (r"(\d{1,2})(?:st|nd|rd|th)", r"\1"),
    (r"(\d{1,3})h", r"\1 hours"),
    (r"(\d{1,3})d", r"\1 days"),
    (r"twenty[- ](\w+)", r"twenty\1"),
    (r"thirty[- ]first", "thirtyfirst"),
    (r"(?:three )?(?:vertical |horizontal )?dots(?: menu)?|ellipsis|overflow menu|kebab menu", "more"),
    (r"three (?:\w+ )?(?:lines|bars)|hamburger(?: menu| icon)?", "menu"),
    (r"paper ?clip", "attach"),
    (r"paper ?(?:aero)?plane", "send"),
    (r"trash ?can|waste ?(?:bin|basket)|rubbish bin|recycle bin|dust ?bin", "delete"),
    (r"shopping (?:bag|cart|basket)", "cart"),
    (r"thumbs?[- ]?up", "like"),
    (r"thumbs?[- ]?down", "dislike"),
    (r"(?:speech|chat) bubble", "chat"),
    (r"plus sign", "plus"),
    (r"minus sign", "minus"),
    (r"question mark", "help"),
    (r"exclamation mark", "warning"),
    (r"log(?:ging)? ?in", "login"),
    (r"log(?:ging)? ?out|log ?off|sign ?off", "logout"),
    (r"sign(?:ing)?[- ]?in(?:to)?", "signin"),
    (r"sign(?:ing)?[- ]?out", "signout"),
    (r"sign(?:ing)?[- ]?up|create (?:an?|your) (?:new )?account", "signup"),
    (r"hang ?up", "hangup"),
    (r"(?:go|head|navigate|return) back", "back"),
    (r"go on", "continue"),
    (r"get rid of|throw away|take out", "delete"),
    (r"e-mail", "email"),
    (r"wi-fi", "wifi"),
    (r"cog ?wheel|gear ?wheel", "settings"),
    (
        r"drop[- ]?down(?: list| menu| box)?|combo ?box|select(?:ion)? (?:box|list|field)|pull[- ]?down(?: menu)?",
        "dropdown",
    ),
    (r"check ?box|tick ?box", "checkbox"),
    (r"(?:text|input) ?(?:box|field|area)|entry (?:box|field)", "textbox"),
    (r"search (?:box|field|bar|input)", "search textbox"),
    (r"pop[- ]?up", "popup"),
    (r"radio button|option button", "radio"),
    (r"push button", "button"),
    (r"full[- ]screen", "fullscreen"),
    (r"(?:right(?:ward)?[- ](?:pointing )?arrow|arrow (?:(?:pointing )?(?:to the )?)?right)", "arrowright"),
    (r"(?:left(?:ward)?[- ](?:pointing )?arrow|arrow (?:(?:pointing )?(?:to the )?)?left)", "arrowleft"),
    (r"(?:up(?:ward)?[- ](?:pointing )?arrow|arrow (?:pointing )?up)", "arrowup"),
    (r"(?:down(?:ward)?[- ](?:pointing )?arrow|arrow (?:pointing )?down)", "arrowdown"),
    (r"date of birth|birth ?(?:day|date)", "birthday"),
    (r"(?:zip|postal) code", "postcode"),
    (r"check[- ]in", "checkin"),
    (r"check[- ]out", "checkout"),
    (r"half (?:a )?year|half-year", "6 months"),
    (r"(?:a )?quarter of (?:a )?year", "3 months"),
    (r"let (.{2,20}?) know", r"notify \1"),
    (r"vote (.{2,30}?) (up|down)\b", r"\2vote \1"),
    (r"turn(?:ing)? (?:it |them )?on", "enable"),
    (r"turn(?:ing)? (?:it |them )?off", "disable"),
    (r"switch(?:ing)? on", "enable"),
    (r"switch(?:ing)? off", "disable"),
)
"""What is said in several words, in one. The words of a screen are read the same way."""

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"
_COUNTING = "zero one two three four five six seven eight nine ten eleven twelve"
_DAYS_OF_MONTH = (
    "eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth "
    "twentyfirst twentysecond twentythird twentyfourth twentyfifth twentysixth twentyseventh twentyeighth twentyninth "
    "thirtieth thirtyfirst"
)
_NUMBERS = {
    **{word: str(number) for number, word in enumerate(_COUNTING.split(" "))},
    **{word: str(number) for number, word in enumerate(_DAYS_OF_MONTH.split(" "), 11)},
}
_SHORT = {
    **{month[:3]: month for month in MONTHS},
    **{day[:3]: day for day in _WEEKDAYS.split()},
    "min": "minutes", "mins": "minutes", "sec": "seconds", "hr": "hours", "hrs": "hours", "sept": "september",
    "info": "information", "prefs": "preferences", "doc": "document", "docs": "documents", "msg": "message",
    "pw": "password", "no": "no", "num": "number", "nr": "number", "qty": "quantity", "fav": "favourite",
    "favs": "favourites", "favorites": "favourites", "favorite": "favourite", "color": "colour", "colors": "colours",
    "grey": "gray", "center": "centre", "tv": "television", "temp": "temperature", "app": "application",
    "apps": "applications", "auth": "authentication", "config": "configuration", "repo": "repository",
    "pic": "picture", "pics": "pictures", "img": "image", "addr": "address", "acc": "account",
}  # fmt: skip

_SMALL_WORDS = """
the a an of to on in at for with and or is it this that these those are was be by from as into onto so
my your its our his her their called named labelled labeled what which where who whose how please about
s says saying some somebody someone something anything per there here i me we you do does has have had can will
"""
SMALL = frozenset(_SMALL_WORDS.split())
"""Words that name nothing by themselves."""

_FAINT_WORDS = """
page screen site website app application program window view panel area section part tool
key thing item entry element control widget current main whole entire list menu message
channel account product song letter file number digit bar tab dialog box field form option symbol sign
photo picture card layer tag label game document channel track mail user person people
tree video story event headline desktop selection
other post square circle rectangle round shape warning alert notice banner step sum
red blue green yellow white black pink orange purple brown gray big large small little tiny huge
dark light bright round
"""
FAINT = frozenset(_FAINT_WORDS.split())
"""Words that say little about which thing is meant."""

_PIECES = re.compile(r"[^\W_]+|[+#*×✕✖☰⌂✉✎✏＋♥♡★☆⬇⤓⬆…⋮⋯?⚠☎⟳↻↶↷←‹«→›»➤▶►⏸■▸▾⌄▴☺▲↑▼↓−⚑□✓✔€£$%@⌫]")
_PHRASED = tuple((re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), word) for pattern, word in _PHRASES)


def split(text: str) -> list[str]:
    """Lower-case words without accents; marks that mean something count as words."""
    parts = unicodedata.normalize("NFKD", text).casefold()  # in this order: a trade mark comes apart into two capitals
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    found = _PIECES.findall(plain.replace("’", "'"))
    return [_NUMBERS.get(word, word) for word in found]


def phrased(text: str) -> str:
    """Common ways of saying a thing in several words, in one."""
    for pattern, word in _PHRASED:
        text = pattern.sub(word, text)
    return text


@lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[str, ...]:
    """The words of what stands on a screen."""
    return tuple(split(phrased(text)))


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word without its ending, so that `sorted`, `sorting` and `sorts` are one."""
    word = _SHORT.get(word, word)
    if len(word) < 4:
        return word
    for end in (
        "ization",
        "isation",
        "ations",
        "ation",
        "ings",
        "ing",
        "ers",
        "ies",
        "ied",
        "ed",
        "er",
        "es",
        "s",
        "ly",
    ):
        if word.endswith(end) and len(word) - len(end) >= (4 if end in ("er", "ers", "ed", "ly", "es") else 3):
            if end == "s" and word.endswith("ss"):
                break
            base = word[: -len(end)] + ("y" if end in ("ies", "ied") else "")
            if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lse":
                base = base[:-1]
            word = base
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


@lru_cache(maxsize=65536)
def kin(one: str, other: str, misread: bool = False) -> float:
    """How far one word can stand for another, 0 to 1.

    Args:
        one: a word that was said.
        other: a word of the screen.
        misread: whether the screen was read from pixels: letters may be wrong, doubled or missing.
    """
    from rapidfuzz import fuzz

    if one == other:
        return 1.0
    short, long = sorted((len(one), len(other)))
    a, b = stem(one), stem(other)
    if a == b and (short > 2 or one in _SHORT or other in _SHORT):
        return 0.97
    best = 0.0
    if one[0].isdigit() and other[0].isdigit():
        return 0.0
    if _related(one, other) or _related(a, b) or _related(one, b) or _related(a, other):
        best = 0.86
    if short >= 4 and (short >= 5 or long - short >= 3) and (one.startswith(other) or other.startswith(one)):
        best = max(best, 0.6 + 0.3 * short / long)
    if short >= 5 and best < 0.85:
        likeness = fuzz.ratio(one, other) / 100
        best = max(best, 0.5 if likeness >= 0.84 else 0.0)  # a slip of the finger beside words that are right
    if misread and short > 2 and best < 0.85:
        likeness = max(fuzz.ratio(one, other), fuzz.ratio(skeleton(one), skeleton(other))) / 100
        least = 0.74 if short < 4 else 0.66 if short < 6 else 0.6
        best = max(best, likeness if likeness >= least else 0.0)
    return best


@lru_cache(maxsize=1)
def _groups() -> dict[str, frozenset[int]]:
    """The numbers of the groups that a word, or its stem, belongs to."""
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_STRONG.split("\n")):
        for word in line.split():
            for form in (word, stem(word)):
                found.setdefault(form, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def _related(one: str, other: str) -> bool:
    groups = _groups()
    mine = groups.get(one)
    return mine is not None and not mine.isdisjoint(groups.get(other, frozenset()))


def skeleton(text: str) -> str:
    """Letters that are easily taken for one another as one, doubled ones once."""
    for pair, letter in (("rn", "m"), ("nn", "m"), ("vv", "w"), ("ii", "u")):
        text = text.replace(pair, letter)
    plain = text.translate(_ALIKE)
    return "".join(char for n, char in enumerate(plain) if n == 0 or char != plain[n - 1])


_ALIKE = str.maketrans("i1|!0c5", "lllloes")
