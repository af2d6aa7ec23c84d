from time import thread_time

import pytest

from feedbackloops.story.answers import answer_shown, hex_dump


def test_text_is_shown_as_it_is_with_the_marks_of_other_writing_systems() -> None:
    text = "<b>خطأ</b> 😱\r\n\tנכשל"
    shown = answer_shown(text.encode())
    assert (shown.text, shown.is_binary, shown.note, shown.is_cut) == (text, False, "", False)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_that_was_cut_at_the_end_of_what_is_kept_is_left_out(cut: int) -> None:
    raw = ("x" * (1024 - cut)).encode() + "😱".encode()[:cut]
    shown = answer_shown(raw)
    assert (shown.text, shown.is_binary, shown.is_cut) == ("x" * (1024 - cut), False, True)


def test_old_encodings_are_read_and_said_to_be() -> None:
    shown = answer_shown("Die Schlüssel für Müller fehlen.".encode("latin-1"))
    assert (shown.text, shown.note) == ("Die Schlüssel für Müller fehlen.", "Not UTF-8: read as Windows-1252.")


@pytest.mark.parametrize(
    "raw", [bytes(range(256)), b"a\0b", b"\xff\xfe\xfd\xfc", b"\x1b[31mred", b"\x89PNG\r\n\x1a\n\0"]
)
def test_what_is_no_text_is_shown_byte_by_byte(raw: bytes) -> None:
    shown = answer_shown(memoryview(raw))
    assert shown.is_binary
    assert shown.text == hex_dump(raw)
    assert shown.text.replace("\n", "").isprintable()


def test_a_compressed_answer_is_said_to_be() -> None:
    assert "gzip" in answer_shown(b"\x1f\x8b\x08\x00\x00").note


def test_a_dump_has_offset_bytes_and_what_is_printable() -> None:
    assert hex_dump(b"<script>\0\xff alert(1)").splitlines() == [
        "0000  3c 73 63 72 69 70 74 3e  00 ff 20 61 6c 65 72 74  <script>.. alert",
        "0010  28 31 29                                          (1)",
    ]


@pytest.mark.parametrize(
    ("page", "note"),
    [
        ("<!DOCTYPE html><html><head><title> 404 &amp;\n more</title>", "A web page, titled “404 & more”."),
        ("\n<html><body>no", "A web page."),
        ("<!-- one -->\n<!-- two --><html>", "A web page."),
        ("<html><head><title>cut in the mid", "A web page, titled “cut in the mid”."),
        ('{"error": "<html>"}', ""),
    ],
)
def test_a_web_page_is_named_by_its_title(page: str, note: str) -> None:
    assert answer_shown(page.encode()).note == note


def test_no_answer_takes_long_to_show() -> None:
    began = thread_time()
    assert answer_shown(b"<!---->" * 24).note == ""
    assert thread_time() - began < 1
