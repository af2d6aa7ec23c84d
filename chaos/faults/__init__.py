"""The faults, each with how it strikes, how it is mended, and what it may lead to."""

from chaos.faults import machine, processes, scripts, servers
from chaos.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (*processes.FAULTS, *servers.FAULTS, *scripts.FAULTS, *machine.FAULTS)
BY_NAME = {fault.name: fault for fault in FAULTS}
