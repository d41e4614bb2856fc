"""A shop: things with prices, a cart, an account with a password, and a button that costs money."""

from __future__ import annotations

from tests.android.phone.apps import App, Screen
from tests.android.phone.views import Page

GOODS = (
    ("Teapot, cast iron", 2490), ("Green tea, 250 g", 890), ("Desk lamp", 3995), ("Notebook, dotted", 450),
    ("Fountain pen", 2900), ("Ink, blue black", 790), ("Wool blanket", 5900), ("Water bottle", 1490),
    ("Headphones", 12900), ("Phone case", 1290), ("Travel adapter", 1890), ("Umbrella", 2190),
    ("Backpack", 7490), ("Running socks", 990), ("Board game", 3490), ("Puzzle, 1000 pieces", 1690),
)  # fmt: skip


def price(cents: int) -> str:
    return f"{cents / 100:.2f} EUR"


class Shelf(Screen):
    name = "ShelfActivity"
    app: Shop

    def build(self, page: Page) -> None:
        account = (
            ("Account", lambda: self.app.go(Account(self.app))),
            (f"Cart ({len(self.app.cart)})", lambda: self.app.go(Cart(self.app))),
        )
        page.title("Corner Shop", None, account)
        page.field("search", "Search the shop", action="search")
        wanted = self.text("search").casefold().strip()
        for name, cents in GOODS:
            if wanted in name.casefold():
                page.row(
                    name, price(cents), on=lambda name=name, cents=cents: self.app.go(Thing(self.app, name, cents))
                )


class Thing(Screen):
    name = "ProductActivity"
    app: Shop

    def __init__(self, app: App, called: str, cents: int) -> None:
        super().__init__(app)
        self._called, self._cents = called, cents

    def build(self, page: Page) -> None:
        page.title("Product", self.app.back)
        page.text(self._called, look="head", height=36)
        page.text(price(self._cents), rid="price")
        page.text("In stock. Delivered in two days.")
        page.button("Put into cart", self._take)
        if (self._called, self._cents) in self.app.cart:
            page.text("It is in your cart")
            page.button("Go to cart", lambda: self.app.go(Cart(self.app)), look="flat")

    def _take(self) -> None:
        self.app.cart.append((self._called, self._cents))


class Cart(Screen):
    name = "CartActivity"
    app: Shop

    def build(self, page: Page) -> None:
        page.title("Cart", self.app.back)
        if not self.app.cart:
            page.text("Your cart is empty")
            return
        for name, cents in self.app.cart:
            page.row(name, price(cents))
        total = sum(cents for _, cents in self.app.cart)
        page.text(f"Total: {price(total)}", rid="total", look="head", height=40)
        page.field("gift", "Gift message", lines=True)
        page.button(f"Buy now for {price(total)}", self._buy)

    def _buy(self) -> None:
        total = sum(cents for _, cents in self.app.cart)
        self.app.orders.append((tuple(name for name, _ in self.app.cart), total, self.text("gift")))
        self.app.cart.clear()
        self.app.screens.pop()
        self.app.go(Ordered(self.app, f"CS-{4711 + len(self.app.orders)}", total))
        self.phone.notify("Corner Shop", "Thank you for your order")


class Ordered(Screen):
    name = "OrderActivity"
    app: Shop

    def __init__(self, app: App, number: str, total: int) -> None:
        super().__init__(app)
        self._number, self._total = number, total

    def build(self, page: Page) -> None:
        page.title("Order", self.app.back)
        page.text("Thank you for your order", look="head", height=40)
        page.text(f"Order number {self._number}")
        page.text(f"Paid {price(self._total)}")


class Account(Screen):
    name = "AccountActivity"
    app: Shop

    def build(self, page: Page) -> None:
        page.title("Account", self.app.back)
        if self.app.signed_in:
            page.text(f"Signed in as {self.app.signed_in}", look="head", height=40)
            return
        page.field("email", "Email", action="next")
        page.field("password", "Password", password=True)
        page.button("Sign in", self._sign_in)
        if self.app.refused:
            page.text("Wrong email or password")

    def _sign_in(self) -> None:
        right = self.text("password") == self.app.password and "@" in self.text("email")
        self.app.signed_in, self.app.refused = (self.text("email") if right else ""), not right


class Shop(App):
    package = "org.deskhand.shop"
    label = "Shop"
    colour = "#b3261e"
    password = "tea for two 茶"

    def __init__(self, phone: object) -> None:
        super().__init__(phone)  # type: ignore[arg-type]
        self.cart: list[tuple[str, int]] = []
        self.orders: list[tuple[tuple[str, ...], int, str]] = []
        self.signed_in = ""
        self.refused = False

    def home(self) -> Screen:
        return Shelf(self)
