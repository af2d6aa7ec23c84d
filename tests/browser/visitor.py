"""Somebody at the browser, and what they would complain of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page

PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1280, "height": 900}
GRAVE: Final = ("serious", "critical")
ZONE: Final = "Europe/Amsterdam"


_OVERHANG: Final = """() => {
    const root = document.documentElement, wide = root.scrollWidth - root.clientWidth;
    if (!wide) return [];
    const beyond = [...document.querySelectorAll("body *")].filter(
        (each) => each.getBoundingClientRect().right > root.clientWidth + 1 && each.checkVisibility()
    );
    return [`${wide} pixels wider than a phone: ` + beyond.slice(0, 4).map((e) => e.outerHTML.slice(0, 90)).join("; ")];
}"""

_CUT: Final = """() => [...document.querySelectorAll("#result_list tbody td, #result_list tbody th")]
    .filter((each) => each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1)
    .slice(0, 4).map((each) => `cut off on a phone: ${each.innerText.slice(0, 90)}`)"""

# Less than the padding of the last cell hides nothing.
_BESIDE: Final = """() => [...document.querySelectorAll("#result_list")].flatMap((list) => {
    for (let each = list.parentElement; each; each = each.parentElement)
        if (getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 12)
            return [`a list is ${each.scrollWidth - each.clientWidth} pixels wider than a desk has room for`];
    return [];
})"""


# A moment is read at a glance where it stands on one line.
_BROKEN: Final = """() => [...document.querySelectorAll("#result_list tbody > tr > *")].filter((each) => {
    if (!each.matches(".field-occurred, .field-sent, .field-changed, .field-counted_shown")) return false;
    const range = document.createRange();
    range.selectNodeContents(each);
    return new Set([...range.getClientRects()].map((line) => Math.round(line.top / 8))).size > 1;
}).slice(0, 2).map((each) => `a time on several lines: ${each.innerText}`)"""


class Visitor:
    """A page of the browser; `complaints` has what its console said and what failed to load."""

    def __init__(self, page: Page, place: str) -> None:
        self.page, self.place = page, place
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))

    def go(self, path: str) -> int:
        """Open a page; its status."""
        response = self.page.goto(self.place + path)
        return response.status if response else 0

    def press(self, key: str) -> None:
        """Press a key, in the names of Playwright."""
        self.page.keyboard.press(key)

    def enter(self) -> None:
        """Press Enter, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.press("Enter")

    def write(self, text: str) -> None:
        """Type a text where the keyboard is; what stands there is replaced."""
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.type(text)

    def tab_to(self, selector: str, most: int = 150) -> Self:
        """Press Tab until the keyboard is at what the selector means. Raises AssertionError if it never is."""
        self.page.locator(selector).first.wait_for()
        for _ in range(most):
            if self.page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"The keyboard never got to {selector}.")

    def faults(self, *rules: str) -> list[str]:
        """Serious and critical faults that axe finds on the page as it is now, by these rules only if there are any."""
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": list(rules)}
        found = Axe().run(self.page, options=options).response["violations"]
        return [_words(each) for each in found if each["impact"] in GRAVE]

    def be_dark(self, dark: bool = True) -> None:
        """Have this page be dark, or light: what the theme's switch does."""
        self.page.evaluate("(dark) => document.documentElement.classList.toggle('dark', dark)", dark)

    def overhang(self) -> list[str]:
        """What a phone has no room for: the page's width, what is cut off in a list.

        And at a desk: lists that are too wide, and times that are broken over lines.
        """
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        found: list[str] = self.page.evaluate(_OVERHANG) + self.page.evaluate(_CUT)
        self.page.set_viewport_size(DESK)  # type: ignore[arg-type]
        beside: list[str] = self.page.evaluate(_BESIDE) + self.page.evaluate(_BROKEN)
        return found + beside

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")


@contextmanager
def visiting(browser: Browser, place: str, client: Client | None = None, **options: Any) -> Iterator[Visitor]:
    """Somebody with a browser of their own, who is logged in as this client is, if any."""
    context = browser.new_context(viewport=DESK, timezone_id=ZONE, locale="en-GB", **options)  # type: ignore[arg-type]
    try:
        if client:
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": place}])
        context.set_default_timeout(15_000)
        yield Visitor(context.new_page(), place)
    finally:
        context.close()


def _words(fault: dict[str, Any]) -> str:
    where = "; ".join(node["html"][:160] for node in fault["nodes"][:3])
    return f"{fault['id']} ({fault['impact']}, {len(fault['nodes'])}): {where}"
