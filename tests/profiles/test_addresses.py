import pytest

from profiles.addresses import address_in, normal_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("Ann Lee <ann@example.com>", "ann@example.com"),
        ('"Lee, Ann" <Ann@example.com>', "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("Δοκιμή@παράδειγμα.δοκιμή", "δοκιμή@παράδειγμα.δοκιμή"),
        ("", ""),
        pytest.param("(" * 2000 + "A@b", "(" * 2000 + "a@b", id="comments in comments"),
        pytest.param("A:" * 2000 + "a@b", "a:" * 2000 + "a@b", id="groups in groups"),
    ],
)
def test_an_address_is_compared_alone_and_in_lower_case(text: str, address: str) -> None:
    assert normal_address(text) == address


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("Ann@Example.com", "ann@example.com"),
        ("  ann@example.com ", "ann@example.com"),
        ("Ann <ann@example.com>", ""),
        ("ann@example.com, bob@example.com", ""),
        ("ann", ""),
        ("", ""),
        ("a" * 309 + "@example.com", ""),
    ],
)
def test_a_field_holds_one_address_or_none(value: str, address: str) -> None:
    assert address_in({"email": value}, "email") == address
    assert address_in({"email": value}, "mail") == ""
