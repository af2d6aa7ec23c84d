"""What the log of a loop says of its deliveries that were sent again."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Count
from django.utils.translation import ngettext

from feedbackloops.models import Delivery, DeliveryState


def ended_by_loop(deliveries: Collection[UUID]) -> dict[int, int]:
    """How many of these deliveries each loop has that are not pending."""
    ended = Delivery.objects.exclude(state=DeliveryState.PENDING).filter(pk__in=deliveries).order_by()
    return dict(ended.values_list("loop_id").annotate(Count("id")))


def sent_again_words(number: int) -> str:
    """What is noted with a loop of which so many deliveries were sent again."""
    words = ngettext("Sent %(number)s delivery again.", "Sent %(number)s deliveries again.", number)
    return words % {"number": f"{number:,}"}
