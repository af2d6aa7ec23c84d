"""What somebody types for a test call: read from JSON or from a form, and checked field by field."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final, NamedTuple
from uuid import UUID

from feedbackloops.protocol.catalogue import ALWAYS, is_always_there
from feedbackloops.protocol.payload import NAMES, form_can_hold

LARGEST: Final = 128 * 1024
"""Bytes of JSON that a draft may have."""
DEEPEST: Final = 50
"""Levels of objects and lists that its JSON may have; those of a sound one are two."""
LARGEST_NUMBER: Final = 2**63 - 1
_PHP_TIME: Final = "%Y-%m-%d %H:%M:%S"
# What PostgreSQL or UTF-8 can't hold: NUL, and halves of characters.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Kind(StrEnum):
    """What a field holds: one text, a raw mail, a number, a list of texts, a map of texts."""

    TEXT = "text"
    MAIL = "mail"
    NUMBER = "number"
    LIST = "list"
    MAP = "map"


class Fault(StrEnum):
    """What is wrong with a field, or with all of them."""

    NO_JSON = "no json"
    NO_OBJECT = "no object"
    TWICE = "twice"
    TOO_LARGE = "too large"
    NO_FORM = "not for a form"
    UNKNOWN = "unknown"
    OTHER_TYPE = "other type"
    NOT_TEXT = "not a text"
    NOT_NUMBER = "not a number"
    NOT_LIST = "not a list"
    NOT_MAP = "not a map"
    RANGE = "out of range"
    UNSTORABLE = "unstorable"
    UNHOLDABLE = "unholdable"
    NOT_ADDRESS = "not an address"
    NOT_ID = "not an id"
    NOT_TIME = "not a time"
    MISSING = "missing"
    WITHOUT_PROFILE = "without profile"
    WITH_SUBPROFILE = "with subprofile"


class Problem(NamedTuple):
    """A fault of a field; of none in particular where `field` is empty. `detail`: the part that it is about."""

    field: str
    fault: Fault
    detail: str = ""


class Unreadable(Exception):
    """A text that is no JSON object; `problem` says why."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(fault)
        self.problem = Problem("", fault, detail)


_KINDS: Final = {
    "mime": Kind.MAIL,
    **dict.fromkeys(("profile", "database", "subprofile", "collection", "code", "link", "first"), Kind.NUMBER),
    **dict.fromkeys(("tags", "interests", "reasons"), Kind.LIST),
    **dict.fromkeys(("fields", "parameters"), Kind.MAP),
}
_WRONG_KIND: Final = {
    Kind.TEXT: (str, Fault.NOT_TEXT),
    Kind.MAIL: (str, Fault.NOT_TEXT),
    Kind.NUMBER: (int, Fault.NOT_NUMBER),
    Kind.LIST: (list, Fault.NOT_LIST),
    Kind.MAP: (dict, Fault.NOT_MAP),
}


def kind_of(name: str) -> Kind:
    """What the field of this name holds."""
    return _KINDS.get(name, Kind.TEXT)


def read_json(text: str, type: str) -> tuple[dict[str, Any], list[Problem]]:
    """The fields that a JSON object has, and what is wrong with those that each event has.

    Those are set when the call is made, so they may stand there, as in a call that was copied, and are left out.
    Raises Unreadable.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise Unreadable(Fault.TOO_LARGE)
    read = parsed(text)
    if not isinstance(read, dict):
        raise Unreadable(Fault.NO_OBJECT)
    return read_fields(read, type)


def parsed(text: str) -> Any:
    """What JSON says. Raises Unreadable, also for a name that stands in an object twice."""
    try:
        read = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Unreadable(Fault.NO_JSON, f"{error.lineno}:{error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise Unreadable(Fault.NO_JSON) from error
    # What goes deeper may be read, and then not be written again to be shown.
    level = [read]
    for _ in range(DEEPEST):
        level = [each for one in level for each in _items(one)]
    if level:
        raise Unreadable(Fault.NO_JSON)
    return read


def read_fields(read: Mapping[str, Any], type: str) -> tuple[dict[str, Any], list[Problem]]:
    """The fields of an object that was parsed, as `read_json` gives them."""
    other = [Problem("type", Fault.OTHER_TYPE, str(read["type"])[:40])] if read.get("type", type) != type else []
    return {name: value for name, value in read.items() if name not in ALWAYS}, other


def write_json(fields: Mapping[str, Any]) -> str:
    """The fields as JSON that people can read."""
    return json.dumps(fields, ensure_ascii=False, indent=2)


def read_form(type: str, typed: Mapping[str, list[str]]) -> dict[str, Any]:
    """The fields of a form: a control for each name, for a map two for each of its entries (`-name` and `-value`)."""
    read = {name: _read_control(name, typed) for name in NAMES[type]}
    return {name: value for name, value in read.items() if value not in ("", None)}


def write_form(type: str, fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """The controls of a form that shows these fields, as a browser sends them back. `fields` are of their kinds."""
    controls: dict[str, list[str]] = {}
    for name in NAMES[type]:
        value = fields.get(name)
        match kind_of(name):
            case Kind.MAP:
                controls[f"{name}-name"] = [_on_one_line(key) for key in value or {}]
                controls[f"{name}-value"] = [_sent_back(each) for each in (value or {}).values()]
            case Kind.LIST:
                controls[name] = [_sent_back("\n".join(value or []))]
            case Kind.MAIL:
                controls[name] = [_sent_back(value or "")]
            case _:
                controls[name] = ["" if value is None else _on_one_line(str(value))]
    return controls


def form_can_show(type: str, fields: Mapping[str, Any]) -> bool:
    """Whether a form brings these fields back as they are: it knows no other names, and no line breaks in some."""
    if list(kind_problems(type, fields)) or any(_is_unstorable(value) for value in fields.values()):
        return False
    return _filled(read_form(type, write_form(type, fields))) == _filled(fields)


def problems(type: str, fields: Mapping[str, Any], *, is_form: bool) -> list[Problem]:
    """All that keeps the fields from being sent as an event of this type; `is_form`: the call has a form body."""
    if (size := len(write_json(fields).encode("utf-8", "surrogatepass"))) > LARGEST:
        return [Problem(_largest(fields), Fault.TOO_LARGE, str(size))]
    wrong = list(kind_problems(type, fields))
    known = {name for name, *_ in wrong}
    sound = {name: value for name, value in fields.items() if name not in known}
    for name, value in sound.items():
        wrong += _value_problems(name, value, is_form)
    return wrong + list(_missing(type, sound, known)) + list(_lonely(sound, known))


def kind_problems(type: str, fields: Mapping[str, Any]) -> Iterator[Problem]:
    """The fields that an event of this type does not have, and those that hold another kind of thing."""
    for name, value in fields.items():
        if name not in NAMES[type]:
            yield Problem(name, Fault.UNKNOWN)
            continue
        wanted, fault = _WRONG_KIND[kind_of(name)]
        # A truth value is a number in Python.
        is_sound = isinstance(value, wanted) and not isinstance(value, bool)
        if not is_sound or not all(isinstance(each, str) for each in _items(value)):
            yield Problem(name, fault)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise Unreadable(Fault.TWICE, name[:40])
        names.add(name)
    return dict(pairs)


def _read_control(name: str, typed: Mapping[str, list[str]]) -> Any:
    kind = kind_of(name)
    if kind is Kind.MAP:
        pairs = zip(typed.get(f"{name}-name", []), typed.get(f"{name}-value", []), strict=False)
        return {key: _with_line_feeds(value) for key, value in pairs if key or value}
    text = (typed.get(name) or [""])[-1]
    if kind is Kind.LIST:
        return [line for line in _with_line_feeds(text).split("\n") if line]
    if kind is Kind.NUMBER:
        return int(text) if _WHOLE.fullmatch(text := text.strip()) else text
    # The lines of a mail end in both, and so a browser sends them.
    return _sent_back(text) if kind is Kind.MAIL else _with_line_feeds(text)


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n")


def _sent_back(text: str) -> str:
    """How a browser sends what a text area showed: every line break as both characters."""
    return re.sub("\r\n|\r|\n", "\r\n", text)


def _on_one_line(text: str) -> str:
    """How a browser sends back what an input showed that has one line."""
    return re.sub("[\r\n]", "", text)


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", [], {})}


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _largest(fields: Mapping[str, Any]) -> str:
    return max(fields, key=lambda name: len(json.dumps(fields[name])), default="")


def _value_problems(name: str, value: Any, is_form: bool) -> Iterator[Problem]:
    if _is_unstorable(value):
        yield Problem(name, Fault.UNSTORABLE)
    elif isinstance(value, dict) and is_form:
        yield from (Problem(name, Fault.UNHOLDABLE, key[:40]) for key in value if not form_can_hold(key))
    elif isinstance(value, int):
        least, most = (200, 599) if name == "code" else (0, LARGEST_NUMBER)
        if not least <= value <= most:
            yield Problem(name, Fault.RANGE, f"{least}–{most}")
    elif value and name in _FORMATS and not _fits(name, value):
        yield Problem(name, _FORMATS[name])


def _is_unstorable(value: Any) -> bool:
    texts = [value] if isinstance(value, str) else [*(value if isinstance(value, dict) else ()), *_items(value)]
    return any(_UNSTORABLE.search(text) for text in texts)


_FORMATS: Final = {
    "ip": Fault.NOT_ADDRESS,
    "id": Fault.NOT_ID,
    "created": Fault.NOT_TIME,
    "modified": Fault.NOT_TIME,
}


def _fits(name: str, text: str) -> bool:
    try:
        if name == "ip":
            ip_address(text)
        elif name == "id":
            return str(UUID(text)) == text.lower()
        else:
            return f"{datetime.strptime(f'{text}+0000', f'{_PHP_TIME}%z'):{_PHP_TIME}}" == text
    except ValueError:
        return False
    return True


def _missing(type: str, fields: Mapping[str, Any], known: set[str]) -> Iterator[Problem]:
    """What each real event of this type has; of lists and maps, none is as good as an empty one."""
    for name in NAMES[type]:
        single = kind_of(name) not in (Kind.LIST, Kind.MAP)
        if single and name not in known and is_always_there(type, name) and fields.get(name, "") == "":
            yield Problem(name, Fault.MISSING)


def _lonely(fields: Mapping[str, Any], known: set[str]) -> Iterator[Problem]:
    """What is not sent, since what it belongs to is not there; `known`: fields that are wrong in themselves."""
    for name in ("fields", "interests"):
        if fields.get(name) and fields.get("profile") is None and "profile" not in known:
            yield Problem(name, Fault.WITHOUT_PROFILE)
    if fields.get("interests") and fields.get("subprofile") is not None:
        yield Problem("interests", Fault.WITH_SUBPROFILE)
