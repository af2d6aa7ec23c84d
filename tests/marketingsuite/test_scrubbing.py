"""A corpus of what libraries and PostgreSQL write about an error, and of what has to stay readable in it."""

import pytest

from feedbackloops.protocol import signing
from marketingsuite.scrubbing import GONE, scrubber

MARK = "Hu5hHu5hHu5hHu5hHu5h"

HOLDING_A_SECRET = [
    f'connection to "postgresql://suite:{MARK}@db.internal:5432/suite" failed',
    f"Cannot connect to redis://:{MARK}@10.0.0.5:6379/0: timed out",
    f"amqp://user:{MARK}@rabbit/vhost refused",
    f"https://{MARK}@o1.ingest.example.com/7 is no DSN",
    f"GET /c/{MARK}AAAA answered 404",
    f'"GET /o/{MARK}AAAA.gif HTTP/1.1" 200',
    f"https://shop.example.com/hook.php?key={MARK} timed out",
    f"https://shop.example.com/?a=1&b={MARK}, then https://other.example.com/#{MARK}",
    f"Not Found: /admin/login/?next=/x&reset={MARK}",
    f"HTTPConnectionPool(host='x', port=80): Max retries exceeded with url: /script.php?pass={MARK} (Caused by ...)",
    f"the secret is whsec_{MARK}+/=",
    f"webhook-signature: v1,{MARK}{MARK}= v1,{MARK}{MARK}=",
    f"Authorization: Bearer {MARK}",
    f"{{'Authorization': 'Basic {MARK}'}}",
    f"Cookie: csrftoken=x; sessionid={MARK}",
    f"Set-Cookie: a={MARK}; HttpOnly",
    f"SECRET_KEY={MARK} TRACKING_KEYS=1:{MARK},2:{MARK}",
    f"password = '{MARK} with a space'",
    f'{{"password": "{MARK}", "user": "ann"}}',
    f"METRICS_TOKEN={MARK}",
    f"OperationalError: password authentication failed\nDETAIL:  Connection matched: user=x password={MARK}",
    f"null value violates not-null constraint\nDETAIL:  Failing row contains (1, {MARK}, ann@example.com).\nHINT: none",
    f"invalid input\nCONTEXT:  unnamed portal parameter $1 = '{MARK}'",
    f"CONTEXT:  a row,\n    over two lines, {MARK}",
    f"-----BEGIN PRIVATE KEY-----\n{MARK}\n{MARK}\n-----END PRIVATE KEY-----",
    f"-----BEGIN RSA PRIVATE KEY-----\n{MARK} and cut off",
]

INNOCENT = [
    "Event 0192d3a0-7c1e-7000-8000-000000000001 is recorded",
    "A link was asked for with a bad token: its signature does not fit",
    "PostgreSQL did not take 12 hits: connection refused",
    "Nobody answers: 10000 tasks wait for fan_out; is a worker for it running?",
    "The URL https://shop.example.com/hooks/script.php answered 503",
    "is this all? no.",
    "/srv/marketingsuite/tracking/views.py:12",
    "a secret can't be read with ENCRYPTION_KEYS",
    "Connected to redis://10.0.0.5:6379/0",
]


@pytest.mark.parametrize("text", HOLDING_A_SECRET)
def test_a_secret_is_taken_out(text: str) -> None:
    assert MARK not in scrubber()(text)
    assert GONE in scrubber()(text)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_holds_none_stays_as_it_is(text: str) -> None:
    assert scrubber()(text) == text


def test_what_stands_beside_a_secret_can_still_be_read() -> None:
    cleaned = scrubber()("https://shop.example.com/hook.php?key=abc answered 503\nDETAIL:  x\nHINT: look there")
    assert cleaned == f"https://shop.example.com/hook.php?{GONE} answered 503\nDETAIL: {GONE}\nHINT: look there"


def test_known_secrets_are_taken_out_wherever_they_stand() -> None:
    assert scrubber([MARK])(f"what is {MARK}?") == f"what is {GONE}?"


def test_a_known_secret_that_begins_like_another_leaves_no_rest() -> None:
    assert scrubber(["12345678", "12345678-the-rest"])("x12345678-the-restx") == f"x{GONE}x"


def test_what_is_too_short_to_be_a_secret_does_not_spoil_every_line() -> None:
    assert scrubber(["", "a"])("a plain line") == "a plain line"


def test_keys_as_the_project_makes_them_are_taken_out() -> None:
    secret, pem = signing.new_secret(), signing.generate_rsa_key()
    cleaned = scrubber()(f"{secret} and {pem} and {pem!r}")
    assert secret.removeprefix("whsec_") not in cleaned
    assert pem.splitlines()[1] not in cleaned


def test_a_long_text_takes_no_long_time() -> None:
    for text in ("a://" * 50_000, "DETAIL: " * 20_000, "/c/" * 50_000, "token" * 40_000, "-----BEGIN " * 20_000):
        scrubber(["12345678"])(text)
