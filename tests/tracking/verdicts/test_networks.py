from ipaddress import ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.verdicts.networks import Networks

FOURS = st.builds(
    lambda value, bits: ip_network((value, bits), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
SIXES = st.builds(
    lambda value, bits: ip_network((value, bits), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)
)


@given(st.lists(FOURS | SIXES, max_size=30), st.data())
@settings(max_examples=80, deadline=None)
def test_an_address_is_in_the_networks_that_have_it(networks: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    known = Networks((network, number) for number, network in enumerate(networks))
    edges = [edge for each in networks for edge in (each.network_address, each.broadcast_address)]
    addresses = st.sampled_from(edges) if edges else st.just(ip_address("192.0.2.1"))
    address = data.draw(addresses | st.builds(ip_address, st.integers(0, 2**32 - 1)))
    expected = tuple(
        number for number, each in enumerate(networks) if each.version == address.version and address in each
    )
    assert known.numbers_of(str(address)) == expected


def test_what_is_no_address_is_in_none() -> None:
    known = Networks([(ip_network("0.0.0.0/0"), 1), (ip_network("::/0"), 2)])
    assert [known.numbers_of(text) for text in ("", "nonsense", "1.2.3", "::g", "192.0.2.1", "::1")] == [
        (),
        (),
        (),
        (),
        (1,),
        (2,),
    ]
