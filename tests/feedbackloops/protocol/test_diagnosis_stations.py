"""Each look ends at one station, and each station tells what was found there."""

import pytest

from feedbackloops.protocol.diagnosis.way import Passage, way_of
from feedbackloops.protocol.sights import Sight, Station, facts_of
from tests.feedbackloops.protocol.lookrows import ROWS


@pytest.mark.parametrize("name", ROWS)
def test_each_look_ends_at_one_station_and_never_reached_those_behind_it(name: str) -> None:
    sight, _, _, end = ROWS[name]
    way = way_of(sight)
    passages = [stop.passage for stop in way]
    assert [stop.station for stop in way if stop.passage is Passage.FAILED] == ([end] if end else [])
    assert passages == sorted(passages, key=[Passage.PASSED, Passage.FAILED, Passage.NOT_REACHED].index)
    assert all(str(stop.found) for stop in way)
    assert (Station.CERTIFICATE in [stop.station for stop in way]) == sight.url.startswith("https")


@pytest.mark.parametrize("name", ROWS)
def test_what_was_seen_comes_back_from_where_it_is_kept(name: str) -> None:
    sight = ROWS[name][0]
    kept = {each: getattr(sight, each) for each in facts_of(sight.facts())}
    assert facts_of(sight.facts()) == kept
    assert len(kept) == len(sight.facts())


def found(sight: Sight, station: Station) -> str:
    return next(str(stop.found) for stop in way_of(sight) if stop.station is station)


@pytest.mark.parametrize(
    ("name", "station", "words"),
    [
        ("404", Station.NAME, "example.com leads to 93.184.216.34."),
        ("404", Station.ADDRESS, "93.184.216.34 may be called."),
        ("404", Station.CONNECTION, "Connected to 93.184.216.34, port 443."),
        ("404", Station.CERTIFICATE, "For example.com, www.example.com, issued by Let's Encrypt, valid to 2026-05-03."),
        ("404", Station.ANSWER, "Status 404."),
        ("404", Station.CONTENT, "Not reached."),
        ("NXDOMAIN", Station.NAME, "This name does not exist (NXDOMAIN)."),
        ("SERVFAIL", Station.NAME, "Its name servers failed (SERVFAIL or REFUSED)."),
        ("private address", Station.ADDRESS, "10.0.0.5: it is a private network address (10.0.0.0/8)."),
        ("refused", Station.CONNECTION, "93.184.216.34, port 443: nothing listens there."),
        ("TLS: expired", Station.CERTIFICATE, "valid from 2026-02-02 to 2026-05-03. Refused: so says OpenSSL."),
        ("301 to www", Station.ANSWER, "Status 301, which leads to https://www.example.com/hooks/"),
        ("longer file", Station.CONTENT, "Not what the file should hold."),
        ("BOM and CRLF", Station.CONTENT, "Exactly what the file should hold."),
    ],
)
def test_each_station_tells_what_was_found_there(name: str, station: Station, words: str) -> None:
    assert words in found(ROWS[name][0], station)
