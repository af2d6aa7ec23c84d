"""User agents as they are met in logs, each for what it is, and those that come close to another."""

import pytest

from tracking.verdicts.judge import Judge
from tracking.verdicts.rules import Verdict, built_in

JUDGE = Judge(built_in())
ANDROID = "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) {} Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {}"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) {}"
GMAIL_AS_EDGE = WINDOWS.format("Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0")


def judged(type: str, useragent: str) -> tuple[Verdict, tuple[str, ...]]:
    return JUDGE.judge(type, {"useragent": useragent, "ip": "203.0.113.7", "accept-language": "nl"})[:2]


@pytest.mark.parametrize("type", ["open", "click"])
@pytest.mark.parametrize(
    "useragent",
    [
        # Phones and programs whose names sound like a robot's or a gateway's.
        ANDROID.format("CUBOT NOTE 20", "Chrome/126.0.0.0"),
        ANDROID.format("CUBOT KINGKONG CS Build/RP1A.200720.011; wv", "Version/4.0 Chrome/126.0.6478.71"),
        ANDROID.format("SM-A536B; wv", "Version/4.0 Chrome/126.0.6478.71") + " [FB_IAB/FB4A;FBAV/470.0.0.0.1;]",
        ANDROID.format("K", "SamsungBrowser/25.0 Chrome/121.0.0.0"),
        IPHONE.format("Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.37.108;FBDV/iPhone14,5;FBSN/iOS;FBLC/nl_NL]"),
        IPHONE.format("Mobile/15E148 Instagram 334.0.4.32.98 (iPhone14,5; iOS 17_5_1; nl_NL; scale=3.00)"),
        IPHONE.format("Mobile/15E148 [LinkedInApp]/9.29.8962"),
        IPHONE.format("Mobile/15E148 [Pinterest/iOS]"),
        IPHONE.format("Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15"),
        IPHONE.format("GSA/322.0.643063230 Mobile/15E148 Safari/604.1"),
        IPHONE.format("CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1"),
        WINDOWS.format("Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0"),
        WINDOWS.format("Chrome/64.0.3282.140 Safari/537.36 Edge/17.17134"),
        WINDOWS.format("Chrome/42.0.2311.135 Safari/537.36 Edge/12.246"),
        WINDOWS.format("Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0 OneOutlook/1.2024.610.200"),
        WINDOWS.format("Chrome/124.0.6367.243 Electron/30.1.0 Safari/537.36 Slack_SSB/4.39.90"),
        WINDOWS.format("Teams/1.6.00.4472 Chrome/114.0.5735.289 Electron/25.8.4 Safari/537.36"),
        "Opera/9.80 (Android; Opera Mini/36.2.2254/191.303; U; nl) Presto/2.12.423 Version/12.16",
    ],
)
def test_phones_and_apps_of_people_are_peoples(type: str, useragent: str) -> None:
    assert judged(type, useragent) == (Verdict.HUMAN, ("browser",))


@pytest.mark.parametrize("type", ["open", "click"])
@pytest.mark.parametrize(
    "useragent",
    [
        "Outlook-Android/2.0",
        "MacOutlook/16.86.24060916 (Intelx64 Mac OS X Version 14.5 (Build 23F79))",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Outlook/16.86",
        "Evolution/3.52.2",
    ],
)
def test_mail_programs_are_peoples(type: str, useragent: str) -> None:
    assert judged(type, useragent) == (Verdict.HUMAN, ("mail-program",))


@pytest.mark.parametrize("type", ["open", "click"])
@pytest.mark.parametrize(
    ("useragent", "reason"),
    [
        ("BarracudaCentral URL checker", "mail-security"),
        ("Mimecast-URL-Protect", "mail-security"),
        ("Slack-ImgProxy (+https://api.slack.com/robots)", "robot-list"),
        ("Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b", "robot-list"),
        ("WhatsApp/2.23.20.0", "robot-list"),
        ("TelegramBot (like TwitterBot)", "robot-list"),
        ("LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)", "robot-list"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
            "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
            "robot-list",
        ),
        ("Wget/1.21.3", "robot-list"),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; nl-NL) WindowsPowerShell/5.1.19041.4522", "robot-list"),
        ("Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.19045; nl-NL) PowerShell/7.4.3", "robot-list"),
        ("GuzzleHttp/7", "robot-list"),
        ("node", "robot-list"),
        ("Ruby", "robot-list"),
        ("Microsoft-WebDAV-MiniRedir/10.0.19045", "link-check"),
        ("Microsoft Data Access Internet Publishing Provider Protocol Discovery", "link-check"),
    ],
)
def test_programs_and_previews_are_machines(type: str, useragent: str, reason: str) -> None:
    verdict, reasons = judged(type, useragent)
    assert (verdict, reasons[0]) == (Verdict.MACHINE, reason)


def test_gmail_in_the_dress_of_an_edge_opens_for_a_person_and_clicks_for_nobody() -> None:
    assert judged("open", GMAIL_AS_EDGE) == (Verdict.PROXY, ("gmail-image-proxy",))
    assert "gmail-image-proxy" not in judged("click", GMAIL_AS_EDGE)[1]


def test_what_apple_loads_is_known_for_opens_only() -> None:
    assert judged("open", "Mozilla/5.0")[0] is Verdict.PROXY
    assert judged("click", "Mozilla/5.0")[0] is Verdict.UNKNOWN
