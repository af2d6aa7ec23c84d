import pytest

from tracking.mailids import normal_message_id


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
