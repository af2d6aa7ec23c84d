import pytest
from pytest_django import Settings

from tracking.checks import tracking_url, tracking_url_of_a_deployment


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://click.example.com", True),
        ("http://localhost:8000", True),
        ("click.example.com", False),
        ("https://", False),
        ("https://example.com/click", False),
        ("ftp://example.com", False),
        ("", False),
    ],
)
def test_a_tracking_url_that_makes_dead_links_stops_the_start(settings: Settings, url: str, fine: bool) -> None:
    settings.TRACKING_URL = url

    errors = tracking_url()

    assert [error.is_serious() for error in errors] == ([] if fine else [True])
    assert all("https://click.example.com" in str(error.hint) for error in errors)


@pytest.mark.parametrize(("url", "warned"), [("http://localhost:8000", True), ("https://click.example.com", False)])
def test_a_deployment_whose_links_lead_to_itself_is_warned(settings: Settings, url: str, warned: bool) -> None:
    settings.TRACKING_URL = url

    assert bool(tracking_url_of_a_deployment()) is warned
