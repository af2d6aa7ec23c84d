from django.dispatch import Signal

# Sent with `order` (a Forgetting) and `patterns` (forgetting.needles), for what other parts of the house keep of a
# person; each receiver does it in transactions of its own, and may be asked again.
person_forgotten = Signal()
# Sent with the same: each receiver gives back how many rows it would clear, by kind (forgetting.words).
person_counted = Signal()
