import pytest

from tracking.mailids import normal_address, normal_message_id


@pytest.mark.parametrize(
    ("header", "id"),
    [
        ("<0102018f3a@eu-west-1.amazonses.com>", "0102018f3a@eu-west-1.amazonses.com"),
        ("  <CAF+x=y@mail.gmail.com>\r\n", "CAF+x=y@mail.gmail.com"),
        ("0102018f3a@eu-west-1.amazonses.com", "0102018f3a@eu-west-1.amazonses.com"),
        ("<very-long\r\n -id@example.com>", "very-long-id@example.com"),
        ("<A@b>", "A@b"),
        ("", ""),
        ("<>", ""),
        ("<" + "x" * 999 + ">", ""),
        ("<a\0\ud83db>", "ab"),
    ],
)
def test_a_message_id_is_compared_without_brackets_and_folding(header: str, id: str) -> None:
    assert normal_message_id(header) == id


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("Ann Lee <ann@example.com>", "ann@example.com"),
        ('"Lee, Ann" <Ann@example.com>', "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("Δοκιμή@παράδειγμα.δοκιμή", "δοκιμή@παράδειγμα.δοκιμή"),
        ("", ""),
    ],
)
def test_an_address_is_compared_alone_and_in_lower_case(text: str, address: str) -> None:
    assert normal_address(text) == address
