"""Hostile URLs and name servers, each with what has to come of it.

127.0.0.8 and 127.0.0.9 stand for public addresses: a test allows them, and nothing else. A script stands at 127.0.0.8;
what must not be reached, at 127.0.0.1 and ::1, on the same port. At 127.0.0.9 nothing listens.
"""

import enum
from typing import NamedTuple


class Outcome(enum.Enum):
    """What comes of a URL.

    REFUSED: no loop can have it, and no call is made to it; staff read the words either way.
    INNER: the form refuses it with the words; a loop that has it all the same is not called, with the words.
    BLOCKED: a loop can have it, since only a look-up tells where it leads; it is not called, with the words.
    UNREACHABLE: a loop can have it; the call comes to nothing, with the words.
    CALLED: it is called, at the address that the words name.
    """

    REFUSED = enum.auto()
    INNER = enum.auto()
    BLOCKED = enum.auto()
    UNREACHABLE = enum.auto()
    CALLED = enum.auto()


REFUSED, INNER, BLOCKED, UNREACHABLE, CALLED = Outcome


class Place(NamedTuple):
    """A URL, PORT standing for the script's port, and what comes of it.

    `dns` is what the name server has for its host, through so many aliases (CNAME); `then`, what it has once asked.
    """

    url: str
    outcome: Outcome
    words: str
    dns: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


PLACES = [
    # An IPv4 address in every form that inet_aton reads
    Place("http://2130706433/", REFUSED, "four decimal numbers"),
    Place("http://017700000001/", REFUSED, "four decimal numbers"),
    Place("http://0x7f000001/", REFUSED, "four decimal numbers"),
    Place("http://0X7F.0.0.1/", REFUSED, "four decimal numbers"),
    Place("http://0177.0.0.1/", REFUSED, "four decimal numbers"),
    Place("http://127.0.0.01/", REFUSED, "four decimal numbers"),
    Place("http://127.1/", REFUSED, "four decimal numbers"),
    Place("http://127.0.1/", REFUSED, "four decimal numbers"),
    Place("http://0x7f.0.1/", REFUSED, "four decimal numbers"),
    Place("http://10.0x0.0.01/", REFUSED, "four decimal numbers"),
    Place("http://0/", REFUSED, "four decimal numbers"),
    Place("http://0x/", REFUSED, "four decimal numbers"),
    Place("http://127.0.0.1.5/", REFUSED, "four decimal numbers"),
    Place("http://127.0.0.257/", REFUSED, "four decimal numbers"),
    Place("http://4294967297/", REFUSED, "four decimal numbers"),
    Place("http://localhost.1/", REFUSED, "four decimal numbers"),
    Place("http://127.0.0.1./", INNER, "a loopback address (127.0.0.0/8)"),
    # Digits and dots that become ASCII on the way (UTS 46), or look like it
    Place("http://\uff11\uff12\uff17.\uff10.\uff10.\uff11:PORT/", INNER, "a loopback address (127.0.0.0/8)"),
    Place("http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/", INNER, "a loopback address (127.0.0.0/8)"),
    Place("http://169\u3002254\u3002169\u3002254/", INNER, "a cloud metadata address (169.254.169.254/32)"),
    Place("http://10\uff0e0\uff0e0\uff0e1/", INNER, "a private network address (10.0.0.0/8)"),
    Place("http://\uff10x7f.1/", REFUSED, "four decimal numbers"),
    Place("http://\u0663.\u0663.\u0663.\u0663/", REFUSED, "not allowed in a domain name"),
    Place("http://127.0.0.1\u2044admin/", REFUSED, "not allowed in a domain name"),
    Place("http://local\u00adhost/", REFUSED, "invisible character"),
    Place("http://local\u200dhost/", REFUSED, "invisible character"),
    # Inner addresses
    Place("http://127.0.0.1:PORT/", INNER, "a loopback address (127.0.0.0/8)"),
    Place("http://0.0.0.0:PORT/", INNER, "an address of this network (0.0.0.0/8)"),
    Place("http://10.255.255.254/", INNER, "a private network address (10.0.0.0/8)"),
    Place("http://172.31.0.1/", INNER, "a private network address (172.16.0.0/12)"),
    Place("https://192.168.0.1/", INNER, "a private network address (192.168.0.0/16)"),
    Place("http://100.64.0.1/", INNER, "an address behind a carrier's NAT (100.64.0.0/10)"),
    Place("http://169.254.0.1/", INNER, "a link-local address (169.254.0.0/16)"),
    Place("http://169.254.169.254/latest/", INNER, "a cloud metadata address (169.254.169.254/32)"),
    Place("http://169.254.170.2/", INNER, "a link-local address (169.254.0.0/16)"),
    Place("http://100.100.100.200/", INNER, "a cloud metadata address (100.100.100.200/32)"),
    Place("http://168.63.129.16/", INNER, "a cloud metadata address (168.63.129.16/32)"),
    Place("http://192.0.0.192/", INNER, "a cloud metadata address (192.0.0.192/32)"),
    Place("http://192.0.0.8/", INNER, "reserved for protocol assignments (192.0.0.0/24)"),
    Place("http://192.0.2.1/", INNER, "a documentation address (192.0.2.0/24)"),
    Place("http://192.88.99.1/", INNER, "a 6to4 relay address (192.88.99.0/24)"),
    Place("http://198.18.0.1/", INNER, "a benchmarking address (198.18.0.0/15)"),
    Place("http://224.0.0.1/", INNER, "a multicast address (224.0.0.0/4)"),
    Place("http://240.0.0.1/", INNER, "a reserved address (240.0.0.0/4)"),
    Place("http://255.255.255.255/", INNER, "the broadcast address (255.255.255.255/32)"),
    Place("http://[::1]:PORT/", INNER, "a loopback address (::1/128)"),
    Place("http://[0:0:0:0:0:0:0:1]:PORT/", INNER, "a loopback address (::1/128)"),
    Place("http://[::]:PORT/", INNER, "the unspecified address (::/128)"),
    Place("http://[fc00::1]/", INNER, "a private network address (fc00::/7)"),
    Place("http://[fd00:ec2::254]/", INNER, "a cloud metadata address (fd00:ec2::/32)"),
    Place("http://[fd20:ce::254]/", INNER, "a cloud metadata address (fd20:ce::254/128)"),
    Place("http://[fe80::1]/", INNER, "a link-local address (fe80::/10)"),
    Place("http://[fec0::1]/", INNER, "a site-local address (fec0::/10)"),
    Place("http://[ff02::1]/", INNER, "a multicast address (ff00::/8)"),
    Place("http://[2001:db8::1]/", INNER, "a documentation address (2001:db8::/32)"),
    Place("http://[100::1]/", INNER, "a discard address (100::/64)"),
    Place("http://[4000::1]/", INNER, "outside the global unicast addresses (2000::/3)"),
    # IPv4 addresses within IPv6 addresses
    Place("http://[::ffff:127.0.0.1]:PORT/", INNER, "an IPv4 address in IPv6 clothes (::ffff:0:0/96)"),
    Place("http://[::ffff:a9fe:a9fe]/", INNER, "an IPv4 address in IPv6 clothes (::ffff:0:0/96)"),
    Place("http://[::127.0.0.1]:PORT/", INNER, "an IPv4 address in IPv6 clothes (::/96)"),
    Place("http://[::ffff:0:127.0.0.1]/", INNER, "outside the global unicast addresses (2000::/3)"),
    Place("http://[64:ff9b::7f00:1]/", INNER, "a NAT64 address (64:ff9b::/96)"),
    Place("http://[64:ff9b:1::7f00:1]/", INNER, "a NAT64 address (64:ff9b:1::/48)"),
    Place("http://[2002:7f00:1::]/", INNER, "a 6to4 address (2002::/16)"),
    Place("http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", INNER, "a Teredo address (2001::/32)"),
    Place("http://[2606:4700::5efe:127.0.0.1]/", INNER, "an ISATAP address"),
    Place("http://[2606:4700::200:5efe:10.0.0.1]/", INNER, "an ISATAP address"),
    Place("http://[fe80::5efe:10.0.0.1]/", INNER, "a link-local address (fe80::/10)"),
    # Zones and brackets
    Place("http://[fe80::1%25eth0]/", REFUSED, "not an IPv6 address"),
    Place("http://[::1%lo]/", REFUSED, "not an IPv6 address"),
    Place("http://[127.0.0.1]/", REFUSED, "not an IPv6 address"),
    Place("http://[localhost]/", REFUSED, "not an IPv6 address"),
    Place("http://[v1.::1]/", REFUSED, "not an IPv6 address"),
    Place("http://[]/", REFUSED, "not an IPv6 address"),
    Place("http://[::1/", REFUSED, "cannot be read"),
    Place("http://::1/", REFUSED, "cannot be read"),
    Place("http://[::1].example.com/", REFUSED, "cannot be read"),
    # Other schemes, and none
    Place("file:///etc/passwd", REFUSED, "must start with http"),
    Place("ftp://example.com/", REFUSED, "must start with http"),
    Place("gopher://127.0.0.1:6379/_FLUSHALL", REFUSED, "must start with http"),
    Place("dict://127.0.0.1:6379/info", REFUSED, "must start with http"),
    Place("ldap://127.0.0.1/", REFUSED, "must start with http"),
    Place("unix:/run/docker.sock", REFUSED, "must start with http"),
    Place("http+unix://%2Frun%2Fdocker.sock/", REFUSED, "must start with http"),
    Place("javascript:alert(1)", REFUSED, "must start with http"),
    Place("jar:http://example.com!/", REFUSED, "must start with http"),
    Place("//127.0.0.1/", REFUSED, "must start with http"),
    Place("http:127.0.0.1/", REFUSED, "names no host"),
    Place("http:/127.0.0.1/", REFUSED, "names no host"),
    Place("http:///127.0.0.1/", REFUSED, "names no host"),
    # Ports
    Place("http://example.com:0/", REFUSED, "1 to 65535"),
    Place("http://example.com:65536/", REFUSED, "1 to 65535"),
    Place("http://example.com:-1/", REFUSED, "1 to 65535"),
    Place("http://example.com:\uff18\uff10/", REFUSED, "1 to 65535"),
    Place("http://example.com:22:80/", REFUSED, "cannot be read"),
    # What parsers read differently: credentials, backslashes, white space, escapes, fragments
    Place("http://example.com@127.0.0.1:PORT/", REFUSED, "user name or password"),
    Place("http://127.0.0.1:PORT@example.com/", REFUSED, "user name or password"),
    Place("http://example.com%40127.0.0.1/", REFUSED, "name server"),
    Place("http://user:password@example.com/", REFUSED, "user name or password"),
    Place("http://example.com\\@127.0.0.1:PORT/", REFUSED, "backslash"),
    Place("http:\\\\127.0.0.1\\", REFUSED, "backslash"),
    Place("http://1.1.1.1 &@2.2.2.2# @127.0.0.1/", REFUSED, "space"),
    Place("http://127.0.0.1\t.example.com/", REFUSED, "tab"),
    Place("http://exam\nple.com/", REFUSED, "line break"),
    Place("http://example.com/\r\nHost: 127.0.0.1", REFUSED, "line break"),
    Place("http://example.com/\0.127.0.0.1", REFUSED, "character"),
    Place("http://%31%32%37.0.0.2/", REFUSED, "name server"),
    Place("http://127.0.0.1%2f@example.com/", REFUSED, "user name or password"),
    Place("http://127.0.0.1%00.example.com/", REFUSED, "name server"),
    Place("http://127.0.0.1#@example.com/", REFUSED, "fragment"),
    Place("http://example.com/#127.0.0.1", REFUSED, "fragment"),
    # Names that no name server knows
    Place("http://./", REFUSED, "names no host"),
    Place("http://a..test/", REFUSED, "name server"),
    Place("http://.test/", REFUSED, "name server"),
    Place("http://a.test../", REFUSED, "name server"),
    Place(f"http://{'a' * 64}.test/", REFUSED, "name server"),
    Place(f"http://{'a.' * 126}test/", REFUSED, "name server"),
    Place(f"http://{'é.' * 127}test/", REFUSED, "253 characters"),
    Place("http://${jndi}.test/", REFUSED, "name server"),
    Place("http://*.test/", REFUSED, "name server"),
    Place("http://nowhere.test:PORT/", UNREACHABLE, "the name nowhere.test does not exist"),
    # Names that lead inside
    Place("http://localhost:PORT/", BLOCKED, "a loopback address"),
    Place("http://LOCALHOST.:PORT/", BLOCKED, "a loopback address"),
    Place("http://deep.localhost:PORT/", BLOCKED, "a loopback address"),
    Place("http://127.0.0.1.inside.test:PORT/", BLOCKED, "a loopback address", dns=("127.0.0.1",)),
    Place("http://ten.test:PORT/", BLOCKED, "10.0.0.1: it is a private network address", dns=("10.0.0.1",)),
    Place("http://zero.test:PORT/", BLOCKED, "an address of this network", dns=("0.0.0.0",)),
    Place("http://metadata.test/", BLOCKED, "a cloud metadata address", dns=("169.254.169.254",)),
    Place("http://azure.test/", BLOCKED, "a cloud metadata address", dns=("168.63.129.16",)),
    Place("http://six.test:PORT/", BLOCKED, "a loopback address (::1/128)", dns=("::1",)),
    Place("http://none.test:PORT/", BLOCKED, "the unspecified address", dns=("::",)),
    Place("http://mapped.test:PORT/", BLOCKED, "IPv6 clothes", dns=("::ffff:127.0.0.1",)),
    Place("http://dns64.test:PORT/", BLOCKED, "a NAT64 address", dns=("64:ff9b::7f00:1", "64:ff9b::808:808")),
    Place("http://both.test:PORT/", BLOCKED, "it is", dns=("10.0.0.1", "fd00:ec2::254")),
    Place("http://many.test:PORT/", BLOCKED, "a private network", dns=tuple(f"10.0.0.{n}" for n in range(60))),
    Place(
        "http://chain.test:PORT/",
        BLOCKED,
        "127.0.0.1: it is a loopback",
        dns=("127.0.0.1",),
        aliases=("a.test", "b.test"),
    ),
    Place("http://alias.test:PORT/", BLOCKED, "a private network", dns=("10.0.0.1",), aliases=("c.test",)),
    Place("http://ex\u00e4mple.test:PORT/", BLOCKED, "a loopback address", dns=("127.0.0.1",)),
    # Names that lead to a public address, and elsewhere as well
    Place("http://public.test:PORT/", CALLED, "127.0.0.8", dns=("127.0.0.8",)),
    Place("http://127.0.0.8:PORT/", CALLED, "127.0.0.8"),
    Place("http://mixed.test:PORT/", CALLED, "127.0.0.8", dns=("127.0.0.1", "10.0.0.1", "127.0.0.8")),
    Place("http://six-inside.test:PORT/", CALLED, "127.0.0.8", dns=("::1", "127.0.0.8")),
    Place("http://mapped-public.test:PORT/", CALLED, "::ffff:127.0.0.8", dns=("::ffff:127.0.0.8", "::1")),
    Place("http://dead-first.test:PORT/", CALLED, "127.0.0.8", dns=("127.0.0.9", "127.0.0.8")),
    Place("http://last.test:PORT/", CALLED, "127.0.0.8", dns=(*(f"10.0.0.{n}" for n in range(60)), "127.0.0.8")),
    Place("http://public-chain.test:PORT/", CALLED, "127.0.0.8", dns=("127.0.0.8",), aliases=("d.test",)),
    Place("http://dead-then-inside.test:PORT/", UNREACHABLE, "nothing listens", dns=("127.0.0.9", "127.0.0.1", "::1")),
    # The answer changes once it was asked for: what was vetted is what is called
    Place("http://rebinding.test:PORT/", CALLED, "127.0.0.8", dns=("127.0.0.8",), then=("127.0.0.1",)),
    Place("http://rebound.test:PORT/", BLOCKED, "a loopback address", dns=("127.0.0.1",), then=("127.0.0.8",)),
]
