"""What the description of the API shows of each operation: an address, a body, an answer, of invented people. Pure."""

import json
import re
from datetime import date, timedelta
from typing import Any

from api.examples.answers import ANSWERS
from api.examples.bodies import BODIES, DAY, PLACES

_PAGE = re.compile(r"Page_(\w+)_")


def illustrate(operation: dict[str, Any], today: date) -> None:
    """Put the examples into the description of an operation (OpenAPI 3.1), as of the day before."""
    name, content = operation["operationId"], operation.get("requestBody", {}).get("content", {})
    for parameter in operation.get("parameters", []):
        if parameter["name"] in PLACES and parameter["in"] == "path":
            parameter["example"] = PLACES[parameter["name"]]
    if name in BODIES:
        content["application/json"]["example"] = _as_of(today, BODIES[name])
    for response in operation["responses"].values():
        for media in response.get("content", {}).values():
            if (answer := _answer(name, media["schema"].get("$ref", ""))) is not None:
                media["example"] = _as_of(today, answer)


def _answer(operation: str, reference: str) -> Any:
    model = reference.rpartition("/")[2]
    if page := _PAGE.fullmatch(model):
        return {"items": [ANSWERS[page[1]]], "next": None} if page[1] in ANSWERS else None
    return ANSWERS.get(operation, ANSWERS.get(model))


def _as_of(today: date, example: Any) -> Any:
    return json.loads(json.dumps(example).replace(DAY, f"{today - timedelta(days=1)}"))
