"""What a loop leaves out of its calls, of what the wire contract has."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self

# Each with all that says the same: who complains of a mail is its recipient, mail servers often name whom they
# refuse, in many ways, and a program's name is in its User-Agent.
PARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "recipient": ("recipient", "emailfrom", "description"),
        "tags": ("tags",),
        "ip": ("ip",),
        "useragent": ("useragent", "client", "os", "device"),
        "referer": ("referer",),
        "fields": ("fields", "parameters"),
        "interests": ("interests",),
        "mime": ("mime", "mime_truncated", "envelope"),
    }
)
# The maps whose keys are names of a profile's fields.
_MAPS: Final = ("fields", "parameters")


class Narrowing(NamedTuple):
    """Which fields of profiles are sent (none named: all), and which PARTS are not."""

    fields: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, fields: Collection[str], parts: Collection[str]) -> Self | None:
        """What a loop has set; None where it leaves nothing out."""
        return cls(frozenset(fields), frozenset(parts)) if fields or parts else None

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self | None:
        """What `to_json` made."""
        return cls.of(kept.get("fields", ()), kept.get("parts", ()))

    def to_json(self) -> dict[str, list[str]]:
        """The same as plain data, in a fixed order."""
        return {"fields": sorted(self.fields), "parts": sorted(self.parts)}

    def removed(self, payload: Mapping[str, Any]) -> list[str]:
        """The names of what `narrowed` takes out of this payload; those in a map as map[name]."""
        kept = self.narrowed(payload)
        gone = [name for name in payload if name not in kept]
        maps = [name for name in _MAPS if name in kept]
        return gone + [f"{name}[{key}]" for name in maps for key in payload[name] if key not in kept[name]]

    def narrowed(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload without what is left out; type, time, id and verdict of an event always stay."""
        gone = {name for part in self.parts for name in PARTS.get(part, ())}
        kept = {name: value for name, value in payload.items() if name not in gone}
        if self.fields:
            for name in _MAPS:
                if name in kept:
                    kept[name] = {key: value for key, value in kept[name].items() if key in self.fields}
        return kept
