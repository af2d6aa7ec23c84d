"""Of many opens and clicks at the same moment one each is the first, whoever fans them out and however often."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.flow.customers import Customer, Script
from tests.flow.deployment import Deployment

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept-Language": "nl",
}
AT_ONCE = 32


def hit_at_once(deployment: Deployment, urls: Sequence[str]) -> None:
    """Ask for each of these so many times, all at the same moment."""
    with ThreadPoolExecutor(AT_ONCE * len(urls)) as people:
        answers = people.map(lambda url: deployment.get(url, **BROWSER).status_code, [*urls] * AT_ONCE)
        assert set(answers) <= {200, 302}


def firsts(script: Script) -> Counter[str]:
    """How many events of each type were told to be the first; calls that were made twice count once."""
    told = {post.event: post.fields for post in script.posts}
    return Counter(fields["type"] for fields in told.values() if fields.get("first"))


def test_of_many_hits_at_once_one_open_and_one_click_are_the_first_with_several_fan_outs(
    deployment: Deployment, customer: Customer
) -> None:
    script = customer.script()
    mail = customer.mail(["https://example.com/"])
    with deployment.another("more-events", "events"):
        hit_at_once(deployment, [mail.pixel_url, *mail.link_urls])
        script.await_books(owed=2 * AT_ONCE, delivered=2 * AT_ONCE)
    assert firsts(script) == {"open": 1, "click": 1}


def test_fan_outs_that_are_killed_and_repeated_tell_of_one_first_all_the_same(
    deployment: Deployment, customer: Customer
) -> None:
    script = customer.script()
    mail = customer.mail(["https://example.com/"])
    for _ in range(2):
        hit_at_once(deployment, [mail.pixel_url, *mail.link_urls])
        deployment.kill("events")
        deployment.start("events")
    script.await_books(owed=4 * AT_ONCE, delivered=4 * AT_ONCE)
    assert firsts(script) == {"open": 1, "click": 1}
