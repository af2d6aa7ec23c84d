"""From a hit to a POST, as the customer's script gets it."""

import re
import time
from html import unescape

from feedbackloops.doorbell import ring_for_test_calls
from feedbackloops.testcalls import begin
from profiles.models import Profile
from tests.flow.customers import Customer, Post
from tests.flow.deployment import Deployment
from tests.http_server import HttpServer
from tests.tracking.samples import wait_until
from tracking.messages import tracked_html
from tracking.models import LinkSeen, Message

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

MAIL = """<!DOCTYPE html>
<html><body><p>Hi Ann,</p>
<a href="https://shop.example.com/shoes?size=42&amp;colour=red">Shoes</a>
<a href="mailto:hello@example.com">Write to us</a>
<a href="https://shop.example.com/hats#new">Hats</a></body></html>
"""
SEEN: dict[str, dict[str, object]] = {
    "open": {
        "useragent": BROWSER,
        "first": 1,
        "verdict": "human",
        "reasons": ["browser"],
        "client": "Firefox 140",
        "os": "Linux",
    },
    "click": {
        "useragent": "curl/8.5.0",
        "link": 1,
        "verdict": "machine",
        "reasons": ["robot-list"],
        "client": "curl 8",
        "referer": "https://mail.example/",
        "original": "https://shop.example.com/shoes?size=42&colour=red",
    },
}


def test_an_html_mail_that_is_opened_and_clicked_reaches_the_script_signed(
    deployment: Deployment, customer: Customer
) -> None:
    script = customer.script(body_format="json")
    profile = customer.profile(firstname="Ann", city="Málaga")
    message = customer.mail(profile=profile).message
    html = tracked_html(MAIL, message)
    links, pixel = re.findall('href="(http[^"]+)"', html), re.findall('src="([^"]+)"', html)
    earliest = int(time.time())

    opened = deployment.get(unescape(pixel[0]), **{"User-Agent": BROWSER})
    clicked = deployment.get(unescape(links[0]), **{"User-Agent": "curl/8.5.0", "Referer": "https://mail.example/"})

    assert (opened.status_code, opened.headers["content-type"]) == (200, "image/gif")
    assert opened.content.startswith(b"GIF89a")
    assert clicked.status_code == 302
    assert clicked.headers["location"] == "https://shop.example.com/shoes?size=42&colour=red"
    posts = {post.fields["type"]: post for post in script.await_posts(2)}
    for kind, post in posts.items():
        check(post, kind, known_of(message, profile), earliest)
        assert post.header("x-copernica-id") == f"account-{customer.account.pk}"
        post.check_signature(script.loop.secret)
    script.await_books(owed=2, delivered=2)
    assert len(script.posts) == 2


def known_of(message: Message, profile: Profile) -> dict[str, object]:
    """What an event of this mail tells of whom it went to."""
    return {
        "id": str(message.pk),
        "recipient": "ann@example.com",
        "tags": ["spring", "sale"],
        "ip": "127.0.0.1",
        "profile": profile.pk,
        "database": profile.database_id,
        "fields": {"firstname": "Ann", "city": "Málaga"},
        "interests": ["shoes"],
    }


def check(post: Post, kind: str, known: dict[str, object], earliest: int) -> None:
    """It tells this, what was seen, and when; and it is the first attempt."""
    about = {name: post.fields[name] for name in ("timestamp", "time", "event")}
    assert post.fields == {"type": kind, **about, **known, **SEEN[kind]}
    assert earliest <= about["time"] <= time.time()
    assert about["timestamp"] == time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(about["time"]))
    assert (post.event, post.attempt) == (about["event"], 1)


def test_a_loop_for_people_only_gets_what_people_do(deployment: Deployment, customer: Customer) -> None:
    people, everybody = customer.script("/people/", people_only=True), customer.script("/everybody/")
    mail = customer.mail(["https://example.com/1", "https://example.com/2"])
    scanned, read = mail.link_urls
    browser = {"User-Agent": BROWSER, "Accept-Language": "nl"}

    assert deployment.head(scanned).status_code == 302
    wait_until(LinkSeen.objects.filter(message_id=mail.message.pk).exists)
    deployment.get(scanned, **browser)
    deployment.get(read, **browser)

    posts = {post.fields["link"]: post.fields for post in everybody.await_posts(2)}
    told = {link: (fields["verdict"], fields["reasons"]) for link, fields in posts.items()}
    assert told == {"1": ("machine", {0: "head-first"}), "2": ("human", {0: "browser"})}
    people.await_books(owed=1, delivered=1)
    assert [post.fields["link"] for post in people.posts] == ["2"]


def test_a_form_arrives_as_php_reads_it(deployment: Deployment, customer: Customer) -> None:
    script = customer.script(event_types=["click"])
    values = {"first name": "Ann & Bo", "a.b": "", "größe": "42€", "size[eu]": "left out"}
    mail = customer.mail(["https://example.com/?q=ü"], customer.profile(**values))
    deployment.hit(mail.link_urls[0])
    (post,) = script.await_posts(1)
    post.check_signature(script.loop.secret)
    assert post.header("content-type") == "application/x-www-form-urlencoded; charset=utf-8"
    assert post.fields["fields"] == {"first name": "Ann & Bo", "a.b": "", "größe": "42€"}
    assert post.fields["tags"] == {0: "spring", 1: "sale"}
    assert post.fields["original"] == "https://example.com/?q=ü"


def test_a_test_call_is_marked_and_counts_for_nothing(customer: Customer) -> None:
    script = customer.script()
    ring_for_test_calls([begin(script.loop).pk])
    (post,) = script.await_posts(1)
    post.check_signature(script.loop.secret)
    assert post.header("webhook-test") == "1"
    assert script.books() == {"owed": 0}


def test_what_is_no_hit_leads_nowhere(deployment: Deployment, customer: Customer) -> None:
    script = customer.script()
    mail = customer.mail(["https://example.com/"])
    (link,), pixel = mail.link_urls, mail.pixel_url
    forged = link[:-1] + ("A" if link[-1] != "A" else "B")
    assert deployment.get(forged).status_code == 404
    assert deployment.get(pixel.replace(".gif", "A.gif")).headers["content-type"] == "image/gif"
    assert deployment.head(link).headers["location"] == "https://example.com/"
    deployment.hit(pixel)
    customer.await_fan_out(events=1)
    script.await_books(owed=1, delivered=1)


def test_each_loop_gets_only_what_it_asked_for(deployment: Deployment, customer: Customer, server: HttpServer) -> None:
    profile, stranger = customer.profile(firstname="Ann"), Customer(server)
    opens = customer.script("/opens/", event_types=["open"])
    limited = customer.script("/limited/")
    limited.loop.databases.add(profile.database)
    others = stranger.script("/others/")
    deployment.hit(customer.mail().pixel_url)
    deployment.hit(customer.mail(["https://example.com/"], profile).link_urls[0])
    limited.await_books(owed=1, delivered=1)
    opens.await_books(owed=1, delivered=1)
    stranger.leave()
    assert [post.fields["type"] for post in limited.posts] == ["click"]
    assert [post.fields["type"] for post in opens.posts] == ["open"]
    assert others.books() == {"owed": 0}
    assert not others.posts
