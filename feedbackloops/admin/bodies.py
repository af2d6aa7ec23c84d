"""What a script gets of a delivery, in a way that people can read."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.template.loader import render_to_string

from feedbackloops.models import BodyFormat, Delivery, FeedbackLoop, Snapshot
from feedbackloops.protocol import payload
from tracking.ids import moment_of
from tracking.models import Event


def show_body(delivery: Delivery) -> str:
    """The body of the delivery's calls as its loop asks for it now, and what it leaves out."""
    return render_to_string("admin/feedbackloops/delivery/body.html", _body_of(delivery))


def readable_body(fields: Mapping[str, Any], body_format: str) -> str:
    """The body as it would be sent, decoded again. Raises TypeError for a value that can't be sent."""
    if body_format == BodyFormat.JSON:
        return json.dumps(json.loads(payload.json_body(fields)), ensure_ascii=False, indent=2)
    pairs = parse_qsl(payload.form(fields).decode(), keep_blank_values=True)
    return "\n".join(f"{name} = {value}" for name, value in pairs)


def left_out(fields: Mapping[str, Any], body_format: str) -> list[str]:
    """What is known and not in the body: names that a form can't carry, and lists and maps with nothing in them."""
    if body_format == BodyFormat.JSON:
        return []
    maps = {name: value for name, value in fields.items() if isinstance(value, dict)}
    unholdable = [f"{name}[{key}]" for name, value in maps.items() for key in payload.unholdable(value)]
    return [*unholdable, *(f"{name} (empty)" for name, value in fields.items() if value in ([], {}))]


def _body_of(delivery: Delivery) -> dict[str, Any]:
    event = Event.objects.filter(pk=delivery.event_id).first()
    if event is None:
        return {"problem": "The event is gone from the history."}
    loop = FeedbackLoop.objects.only("body_format").filter(pk=delivery.loop_id).first()
    body_format = loop.body_format if loop else BodyFormat.JSON
    try:
        fields = _fields_of(event)
        text = readable_body(fields, body_format)
    except (TypeError, ValueError) as error:
        return {"problem": f"This can't be sent: {error}"}
    return {"text": text, "is_form": body_format == BodyFormat.FORM, "left_out": left_out(fields, body_format)}


def _fields_of(event: Event) -> dict[str, Any]:
    snapshot = Snapshot.objects.filter(pk=event.pk).first()
    facts = payload.EventFacts(event.pk, event.type, moment_of(event.pk), event.data, event.message_id)
    return payload.build(facts, snapshot.data if snapshot else {})
