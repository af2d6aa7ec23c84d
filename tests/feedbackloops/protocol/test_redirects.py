"""Where a redirect leads, and which URL of a script follows from one that was seen at its file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.protocol.place import url_problem
from feedbackloops.protocol.redirects import Leads, Redirect, follow, script_url

AT = "http://example.com/hooks/f.txt"
SAFE = "https://example.com/hooks/f.txt"


@pytest.mark.parametrize(
    ("url", "location", "leads", "to"),
    [
        (AT, SAFE, Leads.TO_HTTPS, SAFE),
        (AT, "https://example.com:443/hooks/f.txt", Leads.TO_HTTPS, SAFE),
        (AT, "https://example.com:8443/hooks/f.txt", Leads.ELSEWHERE, "https://example.com:8443/hooks/f.txt"),
        (AT, "https://www.example.com/hooks/f.txt", Leads.TO_OTHER_NAME, "https://www.example.com/hooks/f.txt"),
        (SAFE, "//www.example.com/hooks/f.txt", Leads.TO_OTHER_NAME, "https://www.example.com/hooks/f.txt"),
        (SAFE, "https://shop.example.com/hooks/f.txt", Leads.ELSEWHERE, "https://shop.example.com/hooks/f.txt"),
        (SAFE, "/login?next=/hooks/f.txt", Leads.TO_LOGIN, "https://example.com/login?next=/hooks/f.txt"),
        (SAFE, "https://sso.example.com/", Leads.TO_LOGIN, "https://sso.example.com/"),
        (SAFE, "/blogging/", Leads.ELSEWHERE, "https://example.com/blogging/"),
        (SAFE, "/catalogue-in-pdf/", Leads.ELSEWHERE, "https://example.com/catalogue-in-pdf/"),
        (SAFE, "/auth/f.txt", Leads.ELSEWHERE, "https://example.com/auth/f.txt"),
        (SAFE, "f.txt#top", Leads.TO_ITSELF, SAFE),
        (SAFE, AT, Leads.TO_HTTP, AT),
        (SAFE, "../f.txt", Leads.ELSEWHERE, "https://example.com/f.txt"),
        (SAFE, "", Leads.NOWHERE, ""),
        (SAFE, "javascript:alert(1)", Leads.NOWHERE, ""),
        (SAFE, "ftp://example.com/f.txt", Leads.NOWHERE, ""),
        (SAFE, "https://user:secret@example.com/f.txt", Leads.NOWHERE, ""),
        (SAFE, "https://[::1/", Leads.NOWHERE, ""),
        (SAFE, "/a b", Leads.NOWHERE, ""),
    ],
)
def test_a_redirect_leads_somewhere(url: str, location: str, leads: Leads, to: str) -> None:
    assert follow(url, location) == Redirect(leads, to)


@pytest.mark.parametrize(
    ("script", "looked", "location", "moved"),
    [
        ("http://example.com/hooks/s.php?key=1", AT, SAFE, "https://example.com/hooks/s.php?key=1"),
        (
            "http://example.com/hooks/s.php",
            "http://example.com/f.txt",
            "/shop/f.txt",
            "http://example.com/shop/hooks/s.php",
        ),
        ("https://example.com/hooks/s.php", SAFE, "/new/f.txt", "https://example.com/new/s.php"),
        ("https://example.com/hooks/", SAFE, "//www.example.com/hooks/f.txt", "https://www.example.com/hooks/"),
        ("https://example.com/s.php", "https://example.com/f.txt", "//b.example/f.txt", "https://b.example/s.php"),
        # The file's name is gone: there is no telling where the script would be.
        ("https://example.com/hooks/s.php", SAFE, "/", None),
        ("https://example.com/hooks/s.php", SAFE, "/login", None),
        # It makes no sense, or harm.
        ("https://example.com/hooks/s.php", SAFE, SAFE, None),
        ("https://example.com/hooks/s.php", SAFE, AT, None),
        ("https://example.com/hooks/s.php", SAFE, "http://other.example/hooks/f.txt", None),
        ("https://example.com/hooks/s.php", SAFE, "javascript:alert(1)", None),
        ("https://example.com/hooks/s.php", SAFE, "", None),
        ("https://example.com/hooks/s.php", SAFE, "/" + "a" * 1990 + "/f.txt", None),
        # The look was at another place than the script's.
        ("https://example.com/other/s.php", SAFE, "/new/f.txt", None),
        ("https://elsewhere.example/hooks/s.php", SAFE, "/new/f.txt", None),
    ],
)
def test_a_redirect_tells_the_scripts_new_url_only_where_that_is_certain(
    script: str, looked: str, location: str, moved: str | None
) -> None:
    assert script_url(script, looked, location) == moved


@given(location=st.text(max_size=100))
def test_no_location_leads_to_a_url_that_could_not_be_called(location: str) -> None:
    moved = script_url("https://example.com/hooks/s.php", SAFE, location)
    assert moved is None or url_problem(moved) is None
