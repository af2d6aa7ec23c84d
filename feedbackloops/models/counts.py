"""Counts per loop and hour, kept beside the rows that they count, so that no page has to count history."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class OwedCount(models.Model):
    """Deliveries owed to a loop for the events of an hour, counted in the transaction that owed them.

    Fan-outs only add rows, so none waits for another; a task sums them up later.
    """

    loop_id = models.BigIntegerField()
    hour = models.DateTimeField()
    count = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["loop_id", "hour"], name="owed_loop_hour")]

    def __str__(self) -> str:
        return f"{self.count} owed to loop {self.loop_id} for {self.hour:%Y-%m-%d %H}:00"


class EventCount(models.Model):
    """Events of an account, of one type, that happened in an hour (UTC), counted in the transaction that fans them out.

    Fan-outs only add rows, so none waits for another; a task sums them up later. Several rows of one hour add up.
    """

    account_id = models.BigIntegerField()
    type = models.CharField(max_length=12)
    hour = models.DateTimeField()
    count = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["account_id", "hour"], name="event_count_account_hour")]

    def __str__(self) -> str:
        return f"{self.count} {self.type} of account {self.account_id} in {self.hour:%Y-%m-%d %H}:00"


class LoopHour(models.Model):
    """What the attempts that started in an hour came to, counted in the statement that records them.

    Whoever holds the loop's lane writes it, so none waits for another. A delivery that is sent again counts again.
    """

    # The only index: an update that touches no indexed column stays within its page.
    pk = models.CompositePrimaryKey("loop_id", "hour")
    loop_id = models.BigIntegerField()
    hour = models.DateTimeField()
    delivered = models.BigIntegerField()
    # Attempts, whatever became of their deliveries.
    failed = models.BigIntegerField()
    given_up = models.BigIntegerField()
    # How many were delivered in each bucket of protocol.latency.
    latency = ArrayField(models.BigIntegerField())

    def __str__(self) -> str:
        return f"{self.delivered} delivered to loop {self.loop_id} in {self.hour:%Y-%m-%d %H}:00"
