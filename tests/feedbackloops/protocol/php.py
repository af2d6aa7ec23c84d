"""How PHP reads a form body: real PHP, where it is installed, and a model of it in Python."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes

Php = dict[int | str, Any]
"""A PHP array: keys as PHP holds them, values as text or arrays."""

_WHITE_SPACE = (b" ", b"\t", b"\n", b"\v", b"\f", b"\r")
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")

# A PHP array is map and list in one, and its keys are bytes or integers: JSON carries it as pairs of hexadecimal text.
_PAIRS = """
function pairs($value) {
    if (!is_array($value)) return bin2hex($value);
    $pairs = [];
    foreach ($value as $key => $item) $pairs[] = [is_int($key) ? $key : bin2hex($key), pairs($item)];
    return $pairs;
}
"""
_PARSE_LINES = """
while (($line = fgets(STDIN)) !== false) {
    parse_str(hex2bin(trim($line)), $variables);
    echo json_encode(pairs($variables)), PHP_EOL;
}
"""
PAGE = f"<?php {_PAIRS} echo json_encode(pairs($_POST));"
"""A script that answers with its $_POST, for `from_pairs`."""


@contextmanager
def real_parser(binary: str) -> Iterator[Callable[[bytes], Php]]:
    """Keep one PHP process that parses bodies."""
    command = [binary, "-n", "-d", "display_errors=stderr", "-r", _PAIRS + _PARSE_LINES]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def parse_with_php(body: bytes) -> Php:
            stdin.write(body.hex() + "\n")
            stdin.flush()
            return from_pairs(json.loads(stdout.readline()))

        yield parse_with_php
        stdin.close()


def from_pairs(pairs: list[tuple[int | str, Any]]) -> Php:
    """Read what PAGE answers."""
    return {
        key if isinstance(key, int) else _text(bytes.fromhex(key)): from_pairs(item)
        if isinstance(item, list)
        else _text(bytes.fromhex(item))
        for key, item in pairs
    }


def parse(body: bytes) -> Php:
    """Read a form body as php_register_variable_ex() in PHP's main/php_variables.c does."""
    variables: Php = {}
    for pair in body.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            name = _decode(name).lstrip(b" ").partition(b"\0")[0]
            if name and not name.startswith(b"["):
                _insert(variables, name, _text(_decode(value)))
    return variables


def _decode(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))


def _path(name: bytes) -> list[bytes | None]:
    """Return the keys on the way to the value, where None appends."""
    plain, bracket, rest = name.partition(b"[")
    path: list[bytes | None] = [_mangle(plain)]
    while bracket:
        start = 1 if rest[:1] in _WHITE_SPACE else 0
        end = rest.find(b"]", start)
        if end < 0:
            return path if len(path) > 1 else [_mangle(name)]
        path.append(None if end == start else rest[:end])
        bracket, rest = rest[end + 1 : end + 2], rest[end + 2 :]
        if bracket != b"[":
            break
    return path


def _mangle(name: bytes) -> bytes:
    return name.translate(bytes.maketrans(b" .[", b"___"))


def _insert(array: Php, name: bytes, value: str) -> None:
    *outer, last = _path(name)
    for key in outer:
        if _is_forbidden(key, name):
            return
        place = _key(array, key)
        if not isinstance(array.get(place), dict):
            array[place] = {}
        array = array[place]
    if not _is_forbidden(last, name):
        array[_key(array, last)] = value


def _is_forbidden(key: bytes | None, name: bytes) -> bool:
    """Return whether PHP takes the key for a cookie's prefix that came about by mangling."""
    prefixes = (b"__Host-", b"__Secure-")
    return any(key is not None and key.startswith(prefix) and not name.startswith(prefix) for prefix in prefixes)


def _key(array: Php, key: bytes | None) -> int | str:
    if key is None:
        return max((taken for taken in array if isinstance(taken, int)), default=-1) + 1
    if _INTEGER.fullmatch(key) and -(2**63) <= int(key) < 2**63:
        return int(key)
    return _text(key)


def _text(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
