"""The ways out: names of customers' servers, and HTTPS through the only door."""

from collections.abc import Iterator

import requests
from django.conf import settings
from django.db import Error
from django.utils.timezone import now

from feedbackloops import door
from feedbackloops.models import FeedbackLoop, LoopStatus
from feedbackloops.outbound.calls import Call
from feedbackloops.protocol.outcome import judge
from feedbackloops.protocol.place import parse, url_problem
from marketingsuite.doctor.findings import Finding, ok, trouble, warning

MOST_HOSTS = 20
SECONDS = 5.0


def look(url: str = "") -> Iterator[Finding]:
    """What there is to say; `url` is one that may be called, since no loop's may be that is not verified."""
    yield from _names(_hosts())
    yield _call(url) if url else ok("outbound calls", "Not tried: name a URL to GET with --url.")
    yield _links()


def _hosts() -> list[str]:
    try:
        urls = FeedbackLoop.objects.filter(status=LoopStatus.ACTIVE).order_by("-pk").values_list("url", flat=True)
        found = {parse(url).host for url in urls[: 10 * MOST_HOSTS]}
    except Error:
        # The look at the database tells of it.
        return []
    return sorted(found)[:MOST_HOSTS]


def _names(hosts: list[str]) -> Iterator[Finding]:
    looked_up = door.resolve(hosts)
    failed = [each for each in looked_up if each.problem]
    advice = "See that OUTBOUND_DNS_SERVERS, or the servers in /etc/resolv.conf, answer from this machine."
    if looked_up and len(failed) == len(looked_up):
        yield trouble("names", f"None of {len(failed)} names was found; {failed[0].host}: {failed[0].problem}.", advice)
    elif failed:
        words = "; ".join(f"{each.host}: {each.problem}" for each in failed)
        yield warning("names", f"{len(failed)} of {len(looked_up)} were not found: {words}.", "Tell their owners.")
    else:
        yield ok("names", f"All {len(looked_up)} that were looked up, of active loops, were found.")


def _call(url: str) -> Finding:
    if problem := url_problem(url):
        return trouble("outbound calls", f"The URL can't be called: {problem}", "Name another one with --url.")
    target = parse(url)
    headers = [("Host", target.host_header), ("User-Agent", settings.USER_AGENT)]
    seconds = {"deadline": settings.ANSWER_SECONDS, "connect_timeout": settings.CONNECT_SECONDS}
    answer = door.perform(Call(url, headers, **seconds))
    if answer.error:
        advice = "See that the firewall lets this machine out to ports 80 and 443, and that its clock is right."
        return trouble("outbound calls", judge(answer, now=now()).message, advice)
    words = f"{target.host} ({answer.address}) answered {answer.status} within {answer.timings.total:.1f} s."
    return ok("outbound calls", words)


def _links() -> Finding:
    url = f"{settings.TRACKING_URL}/o/.gif"
    advice = "See that DNS, the proxy and `web` are up, and that the proxy passes /o/, /c/ and /u/ on."
    try:
        status = requests.head(url, timeout=SECONDS, allow_redirects=False).status_code
    except requests.RequestException as error:
        kind = type(error).__name__
        return warning("tracking links", f"{settings.TRACKING_URL} is not reached from here ({kind}).", advice)
    if status != 200:
        return warning("tracking links", f"{settings.TRACKING_URL} answers a pixel with {status}, not 200.", advice)
    return ok("tracking links", f"{settings.TRACKING_URL} answers.")
