import pytest

from profiles.models import IPAddresses
from tracking.shortening import NONE, SHORTENED, WHOLE, kept_address


@pytest.mark.parametrize(
    ("address", "shortened"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("2001:db8::1", "2001:db8::"),
        ("fe80::1%eth0", "fe80::"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_an_address_is_cut_to_its_network(address: str, shortened: str) -> None:
    assert kept_address(address, SHORTENED) == shortened
    assert kept_address(address, WHOLE) == address
    assert kept_address(address, NONE) == ""


def test_an_account_chooses_among_these() -> None:
    assert list(IPAddresses.values) == [WHOLE, SHORTENED, NONE]
