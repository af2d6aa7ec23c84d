"""What the steps of feedback loops tell: there is work. Who hears it has Celery rung once that is committed."""

from django.dispatch import Signal

# Each is sent inside the transaction that wrote down what there is to do, or right after it.

# With `loops`, a collection of their numbers: something in their lanes is due.
lanes_due = Signal()

# With `loops`: their verification files are to be looked for.
looks_due = Signal()

# With `ids`, a collection of UUIDs: test calls are to be made.
test_calls_due = Signal()

# With `resends`, a collection of their numbers.
resends_due = Signal()

# With `orders`, the numbers of notes that people are to be forgotten.
forgettings_due = Signal()
