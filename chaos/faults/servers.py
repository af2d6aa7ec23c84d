"""PostgreSQL and Valkey: stopped, killed, restarted, frozen, emptied."""

import signal

from chaos.faults.fault import Fault, nothing
from chaos.plan import Length

POSTGRES, VALKEY = frozenset({"postgres"}), frozenset({"valkey"})

FAULTS = (
    Fault(
        "kill-valkey",
        lambda site: site.valkey.send(signal.SIGKILL),
        lambda site: site.valkey.start(),
        VALKEY,
    ),
    Fault("flush-valkey", lambda site: site.flush(), nothing, VALKEY, Length.MOMENT),
    Fault("restart-valkey", lambda site: site.valkey.restart(), nothing, VALKEY, Length.MOMENT),
    Fault(
        "freeze-valkey",
        lambda site: site.valkey.send(signal.SIGSTOP),
        lambda site: site.valkey.send(signal.SIGCONT),
        VALKEY,
    ),
    Fault("stop-postgres", lambda site: site.postgres.stop(), lambda site: site.postgres.start(), POSTGRES),
    # A crash takes back the last moments of what was recorded without waiting for the disk.
    Fault(
        "kill-postgres",
        lambda site: site.postgres.send(signal.SIGKILL),
        lambda site: site.postgres.start(),
        POSTGRES,
        may_duplicate=True,
    ),
    Fault("restart-postgres", lambda site: site.postgres.restart(), nothing, POSTGRES, Length.MOMENT),
    Fault(
        "freeze-postgres",
        lambda site: site.postgres.send(signal.SIGSTOP),
        lambda site: site.postgres.send(signal.SIGCONT),
        POSTGRES,
    ),
)
