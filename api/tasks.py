"""What Celery's beat has done for the API."""

from celery import shared_task
from django.utils.timezone import now

from api.idempotency import forget_old
from feedbackloops.tasks import Ring


@shared_task(base=Ring, name="forget_answers")
def forget_answers() -> None:
    """Delete the answers that were kept for requests that come twice."""
    forget_old(now())
