"""Which of many networks an address is in, without asking them one by one."""

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from socket import AF_INET, AF_INET6, inet_pton

Network = IPv4Network | IPv6Network


class _Line:
    """All addresses of one family in their order, cut wherever a network begins or ends."""

    def __init__(self, numbered: Iterable[tuple[Network, int]]) -> None:
        begins: dict[int, list[int]] = {}
        ends: dict[int, list[int]] = {}
        for network, number in numbered:
            begins.setdefault(int(network.network_address), []).append(number)
            ends.setdefault(int(network.broadcast_address) + 1, []).append(number)
        self.cuts = sorted(begins.keys() | ends.keys())
        # What stands before the first cut comes first.
        self.numbers: list[tuple[int, ...]] = [()]
        inside: list[int] = []
        for cut in self.cuts:
            for number in ends.get(cut, ()):
                inside.remove(number)
            inside += begins.get(cut, ())
            self.numbers.append(tuple(sorted(set(inside))))

    def at(self, value: int) -> tuple[int, ...]:
        return self.numbers[bisect_right(self.cuts, value)]


class Networks:
    """Networks, each with a number; several may share a number, and a network may have several."""

    def __init__(self, numbered: Iterable[tuple[Network, int]]) -> None:
        known = list(numbered)
        self._four = _Line(each for each in known if each[0].version == 4)
        self._six = _Line(each for each in known if each[0].version == 6)

    def numbers_of(self, address: str) -> tuple[int, ...]:
        """The numbers of the networks that this address is in, in their order; none for what is no address."""
        try:
            if ":" not in address:
                return self._four.at(int.from_bytes(inet_pton(AF_INET, address), "big"))
            return self._six.at(int.from_bytes(inet_pton(AF_INET6, address), "big"))
        except (OSError, ValueError, TypeError):
            return ()
