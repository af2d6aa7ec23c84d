import re
import shutil
import subprocess
from pathlib import Path

import pytest

from profiles.saying import said
from profiles.sentences import Sentence, gettext_noop, ngettext_lazy
from tests.marketingsuite.pseudo import pseudo_language

ROOT = Path(__file__).resolve().parent.parent.parent
MISSING = ngettext_lazy("%(number)s row is missing.", "%(number)s rows are missing.")


def test_a_sentence_is_its_english_text() -> None:
    assert Sentence(gettext_noop("It is %(what)s."), what="late") == "It is late."
    assert Sentence("A space is %20, which no value is put into.") == "A space is %20, which no value is put into."


@pytest.mark.parametrize(("count", "words"), [(0, "0 rows are"), (1, "1 row is"), (2, "2 rows are")])
def test_the_number_chooses_the_pattern(count: int, words: str) -> None:
    sentence = Sentence(*MISSING, count=count, number=count)
    assert sentence == said(sentence) == f"{words} missing."


def test_it_is_said_in_the_language_of_its_reader_and_so_are_sentences_in_it() -> None:
    what = Sentence(gettext_noop("The field %(name)s"), name="city")
    sentence = Sentence(gettext_noop("%(what)s is empty."), what=what)
    with pseudo_language():
        assert said(sentence) == "⟦⟦The field city⟧ is empty.⟧"
        assert said(Sentence(*MISSING, count=2, number=2)) == "⟦2 rows are missing.⟧"
        assert said("no sentence") == "no sentence"


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="GNU gettext is not installed")
def test_those_who_collect_texts_find_one_text_for_all_numbers() -> None:
    command = ["xgettext", "--language=Python", "--keyword=gettext_noop", "--keyword=ngettext_lazy:1,2", "--output=-"]
    found = subprocess.run([*command, str(Path(__file__))], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert re.search(r'msgid "%\(number\)s row is missing."\nmsgid_plural', found)
    assert 'msgid "The field %(name)s"' in found
