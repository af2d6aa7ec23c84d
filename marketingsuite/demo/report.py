"""What the demo has to see, and whether it did: plain values, no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedbackloops.protocol.payload import form_can_hold
from marketingsuite.demo.receiver import VALID, Received


@dataclass(frozen=True, slots=True)
class Hit:
    """A pixel that was loaded (no `original`) or a link that was clicked; `at` in Unix seconds, before the request."""

    type: str
    original: str
    at: float

    def caused(self, post: Received) -> bool:
        """Whether the POST tells of this hit."""
        return (post.type, post.post.get("original", "")) == (self.type, self.original)

    def __str__(self) -> str:
        return f"{self.type} of {self.original}" if self.original else self.type


@dataclass(frozen=True, slots=True)
class Report:
    """The hits on one message, how many events were recorded of them, and the POSTs that told the script."""

    hits: Sequence[Hit]
    events: int
    posts: Sequence[Received]
    # What each POST has to say of the recipient, in the names of the wire contract.
    expected: Mapping[str, Any]
    # The POSTs of events that no hit made, one of each.
    others: Sequence[Received] = ()

    def milliseconds(self, post: Received) -> int | None:
        """From the hit to the receipt of its POST; None for a POST that no hit caused."""
        hit = next((hit for hit in self.hits if hit.caused(post)), None)
        return round((post.received_at - hit.at) * 1000) if hit else None

    def is_complete(self) -> bool:
        """Whether each hit was told."""
        return not self._untold()

    def problems(self) -> list[str]:
        """What is missing or wrong, in clauses; none when the whole way works."""
        problems = [f"no POST came for the {hit}" for hit in self._untold()]
        if self.events != len(self.hits):
            problems.append(f"{len(self.hits)} hits were made, but {self.events} events are recorded")
        return problems + [
            f"the POST of the {post.type} {wrong}" for post in self.posts for wrong in self._faults(post)
        ]

    def last_line(self) -> str:
        """The counts, in the line that ends a demo in which nothing is missing."""
        slowest = max((ms for post in self.posts if (ms := self.milliseconds(post)) is not None), default=0)
        posts = [*self.posts, *self.others]
        valid = sum(post.signature == VALID for post in posts)
        return (
            f"demo: ok - {self.events + len(self.others)} events, {len(posts)} posts received, "
            f"{valid} signatures valid, slowest {slowest} ms"
        )

    def _untold(self) -> list[Hit]:
        return [hit for hit in self.hits if not any(hit.caused(post) for post in self.posts)]

    def _faults(self, post: Received) -> list[str]:
        faults = [f"has a {name} that is {state}" for name, state in _checks(post) if state != VALID]
        different = [name for name, value in self.expected.items() if post.post.get(name) != value]
        return faults + [f"says {post.post.get(name)!r} of {name}, not {self.expected[name]!r}" for name in different]


def _checks(post: Received) -> list[tuple[str, str]]:
    return [("signature", post.signature), ("digest", post.digest)]


def expected_of(recipient: str, tags: Sequence[str], enrichment: Mapping[str, Any]) -> dict[str, Any]:
    """What a form body says of a recipient; `enrichment` as profiles.snapshots makes it.

    A form has only texts, no word of an empty list or map, and no names that PHP can't hold.
    """
    fields = {name: value for name, value in enrichment["fields"].items() if form_can_hold(name)}
    said = {"recipient": recipient, "tags": list(tags), **enrichment, "fields": fields}
    texts = {name: str(value) if isinstance(value, int) else value for name, value in said.items()}
    return {name: value for name, value in texts.items() if value not in ([], {})}
