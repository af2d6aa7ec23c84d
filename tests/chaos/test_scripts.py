from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from chaos.ledgers import Receipt
from chaos.scripts import NAME, Scripts, serving
from tests.http_server import reset, status
from tests.tracking.samples import wait_until

FORM = b"type=click&useragent=chaos%2F000000042+Mozilla&x=1"
JSON = b'{"useragent": "chaos/000000043 Mozilla"}'


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    with serving(tmp_path, steady=2) as scripts:
        yield scripts


def post(url: str, event: str, body: bytes = FORM, **options: str) -> int:
    return requests.post(url, data=body, headers={"webhook-id": event}, timeout=5, **options).status_code  # type: ignore[arg-type]


def test_a_script_notes_what_came_and_whether_it_accepted(scripts: Scripts) -> None:
    one, two = scripts.steady
    assert [post(one, "a"), post(two, "b", JSON)] == [200, 200]
    scripts.behave(one, status(500))
    assert post(one, "c") == 500
    scripts.behave(one, reset)
    with pytest.raises(requests.ConnectionError):
        post(one, "d")
    scripts.behave(one, None)
    assert post(one, "e", b"something else") == 200

    # A script notes what it got once its answer is out, each in a thread of its own.
    wait_until(lambda: len(scripts.inbox) == 5)
    receipts = sorted(scripts.receipts({one: 1, two: 2}), key=lambda receipt: receipt.at)
    told = [(each.loop, each.hit, each.event, each.accepted) for each in receipts]
    assert told == [
        (1, 42, "a", True),
        (2, 43, "b", True),
        (1, 42, "c", False),
        (1, 42, "d", False),
        (1, -1, "e", True),
    ]
    assert all(isinstance(each, Receipt) for each in receipts)


def test_the_certificate_is_good_until_it_is_bad(scripts: Scripts) -> None:
    ca_file = str(scripts.ca_file)
    assert post(scripts.secure, "a", verify=ca_file) == 200
    scripts.certificates.bad.set()
    with pytest.raises(requests.exceptions.SSLError):
        post(scripts.secure, "b", verify=ca_file)
    scripts.certificates.bad.clear()
    assert post(scripts.secure, "c", verify=ca_file) == 200

    wait_until(lambda: len(scripts.inbox) == 2)
    assert {each.event for each in scripts.inbox} == {"a", "c"}


def test_one_script_is_reached_by_a_name_of_our_own_name_server(scripts: Scripts) -> None:
    assert scripts.dns.table[NAME] == ["127.0.0.1"]
    assert post(scripts.named.replace(NAME, "127.0.0.1"), "a") == 200
