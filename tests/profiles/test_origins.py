import pytest

from profiles.origins import origin_problem


@pytest.mark.parametrize("url", ["https://click.example.com", "http://localhost:8000", "https://[2001:db8::1]:8443"])
def test_a_scheme_and_a_host_is_what_links_begin_with(url: str) -> None:
    assert origin_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "click.example.com",
        "//click.example.com",
        "https://",
        "https://:443",
        "https://click.example.com/",
        "https://click.example.com/path",
        "https://click.example.com?",
        "https://click.example.com#",
        "ftp://click.example.com",
        "javascript:alert(1)",
        "https://user@click.example.com",
        "https://click.example.com:99999",
        "https://click.example.com:port",
        "https://[::1",
        "https://click example.com",
        "https://click.example.com\n",
        'https://click.example.com"',
        "https://bücher.example",
    ],
)
def test_all_else_is_refused_in_words(url: str) -> None:
    assert "http:// or https:// and a host" in (origin_problem(url) or "")
