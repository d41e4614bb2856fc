"""Labels that interfaces really use: the part of the page vocabulary that is written down rather than drawn."""

from __future__ import annotations

__all__ = ["BUTTONS", "CHECKS", "CHOICES", "FIELDS", "HEADINGS", "LINKS", "ROW_ACTIONS", "STEMS"]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.strip().replace("\n", "|").split("|") if part.strip())


BUTTONS = _lines("""
Accept all|Reject all|Only necessary|Cookie settings|Search flights|Search|Search hotels|Next month|Previous month|Continue
Continue to payment|Back|Next|Previous|Cancel|Save|Save changes|Save draft|Delete|Delete account|Download|Upload|Upload file
Submit|Apply|Apply filters|Reset|Reset filters|Clear|Clear all|Close|OK|Yes|No|Add|Add to cart|Add passenger|Remove|Edit|Edit profile
Share|Copy|Copy link|Print|Export|Import|Refresh|Reload|Sign in|Sign up|Log in|Log out|Register|Create account|Send|Send message
Reply|Forward|Archive|Mark as read|Pay|Pay now|Buy now|Checkout|Book|Book now|Confirm|Confirm booking|Decline|Agree|Start|Stop|Pause
Resume|Play|Mute|Open|Open menu|Menu|More|More options|Show more|Show less|Load more|View all|View details|Details|Help|Settings
New|New file|New folder|New message|Compose|Rename|Move|Duplicate|Undo|Redo|Zoom in|Zoom out|Filter|Sort|Swap|Today|Done|Finish
Skip|Retry|Try again|Verify|Resend code|Change|Update|Subscribe|Unsubscribe|Follow|Like|Comment|Post|Publish|Preview|Generate
Sign out|Open calendar|Choose date|Choose file|Select all|Deselect all|Expand all|Collapse all|Remove passenger|Add luggage
""")

LINKS = _lines("""
Home|About|About us|Contact|Contact us|Help|FAQ|Terms|Terms and conditions|Privacy|Privacy policy|Imprint|Careers|Blog|News
My bookings|Bookings|My account|Account|Profile|Orders|Wishlist|Cart|Basket|Flights|Hotels|Cars|Deals|Offers|Manage booking
Check-in|Online check-in|Flight status|Timetable|Sign in|Log out|Forgot password?|Learn more|Read more|Skip to content|Dashboard
Reports|Users|Projects|Tasks|Calendar|Messages|Inbox|Sent|Drafts|Spam|Trash|Settings|Documentation|Support|Pricing|Overview
Invoices|Team|Activity|Fare rules|Baggage|Accessibility|English|Deutsch|Français|Download app
""")

FIELDS = _lines("""
From|To|Departure date|Return date|Departure|Destination|Origin|First name|Last name|Full name|Name|Email|Email address|Phone
Phone number|Mobile|Date of birth|Passport number|Card number|Name on card|Expiry date|Security code|CVC|Password|New password
Repeat password|Username|User name|Street|Address|City|Postcode|ZIP code|Country|Company|Job title|Message|Subject|Comment
Comments|Notes|Search|Quantity|Amount|IBAN|Reference|Booking reference|Discount code|Coupon|Voucher code|Website|URL|Title
Description|Tags|Age|Year|Month|Day|Time|Start date|End date|Check-in date|Check-out date|Guests|Passengers|Room|Nickname
Frequent flyer number|Confirmation code|One-time code|Answer|Middle name|Nationality|Recipient|Cc|Budget|Project name|File name
""")

CHECKS = _lines("""
Direct flights only|I accept the terms|I accept the terms and conditions|Remember me|Subscribe to the newsletter|Newsletter
Flexible dates|One way|Include bags|Hide sold out|Email notifications|Push notifications|Dark mode|Airplane mode|Bluetooth
Wi-Fi|Show hidden files|Save my details|Use as billing address|I agree to the privacy policy|Refundable only|Free cancellation
Breakfast included|Pets allowed|Parking|Pool|Auto save|Spell check|Location|Keep me signed in|Gift wrapping|Travel insurance
Extra bag|Priority boarding|Marketing emails|Analytics|Statistics|Preferences|In stock only|On sale|Select all|Done
""")

CHOICES: dict[str, tuple[str, ...]] = {
    "Cabin": _lines("Economy|Premium Economy|Business|First"),
    "Sort by": _lines(
        "Price: lowest first|Price: highest first|Duration: shortest first|Departure: earliest first|Departure: latest first|Best|Cheapest|Fastest"
    ),
    "Title": _lines("Mr|Ms|Mrs|Mx|Dr|Prof"),
    "Passengers": _lines("1|2|3|4|5|6|1 adult|2 adults|3 adults"),
    "Country": _lines(
        "Switzerland|Germany|France|Italy|Spain|Portugal|Poland|Croatia|Czechia|Sweden|Türkiye|Austria|Ireland|Norway"
    ),
    "Language": _lines("English|Deutsch|Français|Italiano|Español|Polski|Svenska|Hrvatski|Türkçe|Čeština"),
    "Currency": _lines("EUR|CHF|USD|GBP|PLN|SEK|CZK"),
    "Month": _lines("January|February|March|April|May|June|July|August|September|October|November|December"),
    "Status": _lines("Open|Closed|Pending|In progress|Done|Archived|Draft|Active|Inactive"),
    "Priority": _lines("Low|Normal|Medium|High|Urgent"),
    "Time": _lines("Any time|Morning|Afternoon|Evening|Night|06:00 to 12:00|12:00 to 18:00"),
    "Departure time": _lines("Any time|Before noon|Afternoon|Evening"),
    "Size": _lines("XS|S|M|L|XL|XXL|Small|Medium|Large"),
    "Colour": _lines("Red|Green|Blue|Black|White|Grey|Yellow|Orange"),
    "Role": _lines("Admin|Editor|Viewer|Owner|Guest|Member"),
    "Seat preference": _lines("Aisle|Window|Middle|No preference"),
    "Meal": _lines("Standard|Vegetarian|Vegan|Halal|Kosher|Gluten free|None"),
    "Results per page": _lines("10|20|50|100"),
    "Theme": _lines("Light|Dark|System"),
    "Stops": _lines("Any|Direct|1 stop|2 stops"),
    "Airline": _lines("Any|SWISS|Lufthansa|TAP|Iberia|LOT|Croatia Airlines"),
}

HEADINGS = _lines("""
Search flights|Your flight|Choose a seat|Passengers|Payment|Results|Flights|Summary|Your booking|Sign in|Settings|Profile
Notifications|Privacy|Orders|Cart|Checkout|Contact|Users|Projects|Files|Inbox|Calendar|We use cookies|Booking confirmed|Details
""")

ROW_ACTIONS = _lines(
    "Edit|Delete|Remove|View|Open|Download|Select|Details|Book|Choose|Share|Cancel|Rename|Approve|Reject|Add to cart|Buy|Copy|Change|Reply"
)

STEMS = _lines("Seat|Slot|Room|Table|Desk|Place|Spot|Berth|Locker|Date|Time|Court|Bay")
