"""Literal user agents and addresses, as hits bring them."""

from typing import Any

import pytest

from tracking.verdicts.judge import BURST, HEAD_FIRST, Judge, Judgement
from tracking.verdicts.rules import Verdict, built_in, with_own

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
PIXEL_PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36"
)
HOME = "203.0.113.7"
JUDGE = Judge(built_in())


def judged(type: str = "open", useragent: str = "", ip: str = HOME, /, *behaviour: str, **headers: str) -> Judgement:
    data = {"useragent": useragent, "ip": ip, "accept-language": "nl-NL,nl;q=0.9"}
    return JUDGE.judge(type, data | {name.replace("_", "-"): text for name, text in headers.items()}, behaviour)


@pytest.mark.parametrize(
    ("useragent", "reason"),
    [
        (CHROME, "browser"),
        (IPHONE, "browser"),
        (PIXEL_PHONE, "browser"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "browser"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
            "Safari/605.1.15",
            "browser",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", "mail-program"),
        (
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; "
            "Microsoft Outlook 16.0.5000; ms-office; MSOffice 16)",
            "mail-program",
        ),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.12026; Pro)", "mail-program"),
        ("Outlook-iOS/709.2226530.prod.iphone (3.24.1)", "mail-program"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:115.0) Gecko/20100101 Thunderbird/115.3.1",
            "mail-program",
        ),
    ],
)
@pytest.mark.parametrize("type", ["open", "click"])
def test_browsers_and_mail_programs_are_peoples(type: str, useragent: str, reason: str) -> None:
    judgement = judged(type, useragent)
    assert (judgement.verdict, judgement.reasons) == (Verdict.HUMAN, (reason,))


@pytest.mark.parametrize(
    ("useragent", "ip", "reason"),
    [
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "66.249.84.195",
            "gmail-image-proxy",
        ),
        (
            "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
            "87.248.117.203",
            "yahoo-image-proxy",
        ),
        ("Mozilla/5.0", "104.28.42.7", "apple-mail-privacy"),
        ("Mozilla/5.0", "17.58.6.49", "apple-mail-privacy"),
        (CHROME, "17.58.6.49", "apple-mail-privacy"),
        (IPHONE, "2620:149:a44::1", "apple-mail-privacy"),
    ],
)
def test_what_a_mailbox_provider_fetches_is_an_open_of_a_person(useragent: str, ip: str, reason: str) -> None:
    judgement = judged("open", useragent, ip)
    assert (judgement.verdict, judgement.reasons) == (Verdict.PROXY, (reason,))
    assert (judgement.os, judgement.device) == ("", "")


@pytest.mark.parametrize(
    ("useragent", "reason"),
    [
        ("curl/8.5.0", "robot-list"),
        ("python-requests/2.31.0", "robot-list"),
        ("Go-http-client/1.1", "robot-list"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "robot-list"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/119.0 "
            "Safari/537.36",
            "robot-list",
        ),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "robot-list"),
        ("facebookexternalhit/1.1", "robot-list"),
        ("Barracuda Sentinel (EE)", "mail-security"),
        ("Mozilla/5.0 (compatible; Proofpoint URL Defense)", "mail-security"),
        ("Microsoft Office Existence Discovery", "link-check"),
        ("Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", "link-check"),
    ],
)
@pytest.mark.parametrize("type", ["open", "click"])
def test_robots_and_scanners_are_machines(type: str, useragent: str, reason: str) -> None:
    judgement = judged(type, useragent)
    assert (judgement.verdict, judgement.reasons[0]) == (Verdict.MACHINE, reason)


@pytest.mark.parametrize(
    "ip",
    [
        "209.222.82.255",  # Barracuda
        "64.235.150.12",
        "67.231.152.1",  # Proofpoint
        "148.163.148.77",
        "205.139.110.120",  # Mimecast
        "68.232.140.5",  # Cisco
        "67.219.246.100",  # Broadcom
        "150.70.173.40",  # Trend Micro
        "40.94.31.12",  # Microsoft
        "52.101.64.1",
        "104.47.10.36",
        "2a01:111:f400:7e1a::208",
    ],
)
def test_a_gateway_in_the_dress_of_a_browser_is_known_by_its_network(ip: str) -> None:
    judgement = judged("click", CHROME, ip)
    assert (judgement.verdict, judgement.reasons) == (Verdict.MACHINE, ("mail-security",))


@pytest.mark.parametrize(
    "ip", ["209.222.79.255", "209.222.88.0", "52.99.255.255", "52.104.0.0", "2a01:111:f401::1", ""]
)
def test_next_to_such_a_network_people_live(ip: str) -> None:
    assert judged("click", CHROME, ip).verdict is Verdict.HUMAN


@pytest.mark.parametrize(
    "headers", [{"sec_purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"purpose": "preview"}]
)
def test_what_is_fetched_ahead_is_a_machines(headers: dict[str, str]) -> None:
    judgement = judged("click", CHROME, HOME, **headers)
    assert (judgement.verdict, judgement.reasons) == (Verdict.MACHINE, ("prefetch",))


@pytest.mark.parametrize(
    ("useragent", "reason"),
    [
        ("", "no-useragent"),
        ("Example/1.0", "strange-useragent"),
        ("okhttp/4.12.0", "app-library"),
        ("Mail/1 CFNetwork/1494.0.7 Darwin/23.4.0", "app-library"),
    ],
)
def test_what_does_not_tell_is_unknown(useragent: str, reason: str) -> None:
    judgement = judged("open", useragent)
    assert (judgement.verdict, judgement.reasons) == (Verdict.UNKNOWN, (reason,))


def test_a_browser_that_follows_a_link_says_its_language() -> None:
    mute = {"useragent": CHROME, "ip": HOME}
    assert JUDGE.judge("click", mute)[:2] == (Verdict.UNKNOWN, ("no-language",))
    assert JUDGE.judge("open", mute).verdict is Verdict.HUMAN
    assert JUDGE.judge("click", mute | {"source": "an ESP"}).verdict is Verdict.HUMAN


def test_what_a_hit_does_goes_before_what_it_says() -> None:
    judgement = judged("click", CHROME, "40.94.31.12", BURST, HEAD_FIRST)
    assert (judgement.verdict, judgement.reasons) == (Verdict.MACHINE, ("burst", "head-first", "mail-security"))


def test_an_operators_rule_goes_before_everything() -> None:
    own = Judge(
        with_own(
            """
            [[rule]]
            verdict = "human"
            reason = "our-own-office"
            networks = ["40.94.31.0/24"]
            """
        )
    )
    data = {"useragent": CHROME, "ip": "40.94.31.12", "accept-language": "nl"}
    assert own.judge("click", data, (BURST,))[:2] == (Verdict.HUMAN, ("our-own-office",))
    assert own.judge("click", data | {"ip": "40.94.32.12"}).verdict is Verdict.MACHINE


def test_a_rule_of_the_operators_may_ask_for_all_of_its_conditions() -> None:
    own = Judge(
        with_own(
            """
            [[rule]]
            verdict = "machine"
            reason = "own-scanner"
            on = ["click"]
            useragent = ["Scanner", "chrome"]
            networks = ["203.0.113.0/24"]
            headers = { via = "scan" }
            """
        )
    )
    data = {"useragent": CHROME, "ip": HOME, "via": "1.1 Scan-Gate", "accept-language": "nl"}
    assert own.judge("click", data)[:2] == (Verdict.MACHINE, ("own-scanner",))
    for other in ({"useragent": IPHONE}, {"ip": "203.0.114.1"}, {"via": "1.1 cache"}):
        assert own.judge("click", data | other).verdict is Verdict.HUMAN
    assert own.judge("open", data).verdict is Verdict.HUMAN


@pytest.mark.parametrize(
    ("useragent", "known"),
    [
        (IPHONE, ("Mobile Safari UI/WKWebView", "iOS 18", "iPhone")),
        (PIXEL_PHONE, ("Chrome Mobile 126", "Android 14", "Pixel 8")),
        (CHROME, ("Chrome 126", "Windows 10", "")),
        ("", ("", "", "")),
    ],
)
def test_program_system_and_device_are_told_as_far_as_they_are_known(
    useragent: str, known: tuple[str, str, str]
) -> None:
    assert judged("open", useragent)[2:] == known


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"useragent": 5, "ip": 7},
        {"useragent": None, "ip": None},
        {"useragent": "x" * 1000, "ip": "300.1.1.1"},
        {"useragent": CHROME, "ip": "fe80::1%eth0", "purpose": ["prefetch"]},
    ],
)
def test_odd_data_gets_a_verdict_all_the_same(data: dict[str, Any]) -> None:
    assert JUDGE.judge("click", data).verdict in set(Verdict)
