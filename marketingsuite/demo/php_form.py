"""Reading a form body as PHP fills $_POST, as far as our calls use it: values, and maps and lists of one level."""

from urllib.parse import unquote_to_bytes

Value = str | list[str] | dict[str, str]


def parse_form(body: bytes) -> dict[str, Value]:
    """The fields of an application/x-www-form-urlencoded body, in UTF-8, in their order.

    `top[key]=value` makes a map, `top[]=value` a list (brackets may be percent-encoded), any other name a single
    value. Of a name that comes twice the last value counts. Bytes that are not UTF-8 become U+FFFD.
    """
    fields: dict[str, Value] = {}
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name:
            _put(fields, _decoded(name), _decoded(value))
    return fields


def _put(fields: dict[str, Value], name: str, value: str) -> None:
    top, bracket, rest = name.partition("[")
    # A key ends at the first bracket that closes: `top[a[b]` has the key `a[b`.
    key, closed, _ = rest.partition("]")
    if not (top and bracket and closed):
        fields[name] = value
    elif key:
        _map(fields, top)[key] = value
    else:
        _append(fields, top, value)


def _append(fields: dict[str, Value], top: str, value: str) -> None:
    there = fields.get(top)
    if isinstance(there, dict):
        there[_next_number(there)] = value
    elif isinstance(there, list):
        there.append(value)
    else:
        fields[top] = [value]


def _map(fields: dict[str, Value], top: str) -> dict[str, str]:
    there = fields.get(top)
    if not isinstance(there, dict):
        # What PHP has for a list is a map as well, from 0 on.
        there = fields[top] = {str(n): item for n, item in enumerate(there)} if isinstance(there, list) else {}
    return there


def _next_number(keys: dict[str, str]) -> str:
    return str(max((int(key) for key in keys if key.isascii() and key.isdigit()), default=-1) + 1)


def _decoded(part: bytes) -> str:
    return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8", "replace")
