from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackloops.outbound.addresses import inner_parts, problem

REFUSED = [
    ("0.0.0.0", "this network"),
    ("0.255.255.255", "this network"),
    ("10.0.0.0", "private network"),
    ("10.255.255.255", "private network"),
    ("100.64.0.1", "carrier's NAT"),
    ("100.127.255.255", "carrier's NAT"),
    ("100.100.100.199", "carrier's NAT"),
    ("100.100.100.200", "cloud metadata"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "cloud metadata"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "cloud metadata"),
    ("172.16.0.1", "private network"),
    ("172.31.255.255", "private network"),
    ("192.0.0.1", "protocol assignments"),
    ("192.0.0.9", "protocol assignments"),
    ("192.0.0.170", "protocol assignments"),
    ("192.0.0.192", "cloud metadata"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4 relay"),
    ("192.168.1.1", "private network"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.254", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "IPv6 clothes"),
    ("::8.8.8.8", "IPv6 clothes"),
    ("::ffff:127.0.0.1", "IPv6 clothes"),
    ("::ffff:8.8.8.8", "IPv6 clothes"),
    ("::ffff:0:1.2.3.4", "global unicast"),
    ("64:ff9b::7f00:1", "NAT64"),
    ("64:ff9b::808:808", "NAT64"),
    ("64:ff9b:1::1", "NAT64"),
    ("100::1", "discard"),
    ("100:0:0:1::1", "global unicast"),
    ("2001::1", "Teredo"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001:1::1", "protocol assignments"),
    ("2001:2::1", "benchmarking"),
    ("2001:10::1", "ORCHID"),
    ("2001:20::1", "ORCHID"),
    ("2001:1ff::1", "protocol assignments"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4"),
    ("2002:808:808::1", "6to4"),
    ("3fff::1", "documentation"),
    ("3fff:fff:ffff::1", "documentation"),
    ("4000::1", "global unicast"),
    ("5f00::1", "segment routing"),
    ("fc00::1", "private network"),
    ("fd00:ec2::254", "cloud metadata"),
    ("fd20:ce::254", "cloud metadata"),
    ("2606:4700::5efe:7f00:1", "ISATAP"),
    ("2606:4700::200:5efe:7f00:1", "ISATAP"),
    ("fdff::1", "private network"),
    ("fe80::1", "link-local"),
    ("febf::1", "link-local"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
    ("fe80::1%eth0", "scope id"),
    ("2606:4700::1%eth0", "scope id"),
    ("127.1", "not an IP address"),
    ("2130706433", "not an IP address"),
    ("0177.0.0.1", "not an IP address"),
    ("0x7f000001", "not an IP address"),
    ("example.com", "not an IP address"),
    ("", "not an IP address"),
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.88.98.1",
    "192.88.100.1",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:db7::1",
    "2001:db9::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2606:4700::5eff:7f00:1",
    "2606:4700::5efe:0:7f00:1",
    "2a00:1450::1",
    "3ffe::1",
]


@pytest.mark.parametrize(("address", "word"), REFUSED)
def test_an_address_that_is_not_public_is_refused_with_the_reason(address: str, word: str) -> None:
    reason = problem(address)
    assert reason is not None
    assert reason.startswith("it is ")
    assert word in reason


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_fine(address: str) -> None:
    assert problem(address) is None


def test_the_reason_names_the_network() -> None:
    assert problem("10.1.2.3") == "it is a private network address (10.0.0.0/8)"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.0.0/16"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("fd00::5", "fd00::/64"),
        ("::ffff:10.1.2.3", "10.1.0.0/16"),
        ("169.254.169.254", "169.254.0.0/16"),
        ("64:ff9b::808:808", "64:ff9b::/96"),
    ],
)
def test_the_operators_networks_outweigh_a_refusal(address: str, network: str) -> None:
    assert problem(address, [ip_network(network)]) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.2.0.1", "10.1.0.0/16"),
        ("::1", "127.0.0.0/8"),
        ("::ffff:10.2.0.1", "10.1.0.0/16"),
        ("::ffff:10.2.0.1", "::/0"),
        ("::10.1.2.3", "10.1.0.0/16"),
        ("64:ff9b::a01:203", "10.1.0.0/16"),
        ("64:ff9b::a01:203", "64:ff9b::/96"),
        ("64:ff9b::a9fe:a9fe", "64:ff9b::/96"),
        ("2002:a01:203::", "10.1.0.0/16"),
        ("fe80::1%eth0", "fe80::/10"),
    ],
)
def test_the_operators_networks_allow_nothing_beside_them(address: str, network: str) -> None:
    assert problem(address, [ip_network(network)]) is not None


def test_a_nat64_address_passes_where_both_its_prefix_and_what_it_carries_are_allowed() -> None:
    assert problem("64:ff9b::a01:203", [ip_network("64:ff9b::/96"), ip_network("10.1.0.0/16")]) is None


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_network_with_no_inner_part_holds_no_address_that_is_refused(
    address: IPv4Address | IPv6Address, length: int
) -> None:
    network = ip_network((address, length), strict=False)
    if problem(address) is not None and "ISATAP" not in str(problem(address)):
        assert inner_parts(network)


@given(st.ip_addresses())
def test_nothing_that_the_standard_library_calls_private_is_called_public(address: IPv4Address | IPv6Address) -> None:
    assert problem(address) is not None or address.is_global


@given(st.integers(0, 2**32 - 1), st.sampled_from(["::", "::ffff:0:0", "64:ff9b::"]))
def test_no_address_that_carries_an_ipv4_address_passes(number: int, prefix: str) -> None:
    assert problem(IPv6Address(int(ip_address(prefix)) + number)) is not None


@given(st.ip_addresses())
def test_text_and_parsed_address_are_judged_alike(address: IPv4Address | IPv6Address) -> None:
    assert problem(str(address)) == problem(address)
