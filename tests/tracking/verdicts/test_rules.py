import pytest

from tracking.verdicts.rules import BadRules, Verdict, built_in, with_own

RULE = '[[rule]]\nverdict = "machine"\nreason = "own-scanner"\n'


def test_the_operators_rules_come_before_ours() -> None:
    rules = with_own(RULE + 'useragent = ["Own Scanner"]')
    assert (rules.own, rules.rules[0].reason, rules.rules[0].verdict) == (1, "own-scanner", Verdict.MACHINE)
    assert rules.rules[1:] == built_in().rules


def test_what_counts_as_a_burst_can_be_set() -> None:
    rules = with_own("[burst]\nlinks = 5\nseconds = 0.5\n[head]\nseconds = 10")
    assert (rules.burst_links, rules.burst_seconds, rules.head_seconds) == (5, 0.5, 10.0)
    assert (with_own("").burst_links, with_own("").own) == (3, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[rule]", "not TOML"),
        ("[rule]\na = 1", "two brackets"),
        ("[[rules]]\na = 1", "only [[rule]], [burst] and [head]"),
        (RULE, "rule 1: it has no condition"),
        ('[[rule]]\nreason = "x"\nuseragent = ["x"]', "it needs a verdict"),
        ('[[rule]]\nverdict = "bot"\nreason = "x"\nuseragent = ["x"]', "one of human, proxy, machine, unknown"),
        ('[[rule]]\nverdict = "human"\nreason = "Own Scanner"\nuseragent = ["x"]', "words in lower case"),
        (RULE + "useragent = ['(']", "the pattern '(' of useragent can't be read"),
        (RULE + 'useragent = "x"', "useragent has to be a list of texts"),
        (RULE + 'networks = ["10.0.0.1/8"]', "networks are written like 192.0.2.0/24"),
        (RULE + 'headers = { cookie = "x" }', "headers has to be a table of accept-language"),
        (RULE + 'useragent = ["x"]\non = ["bounce"]', "on has to be a list of open and click"),
        (RULE + 'useragent = ["x"]\nip = "x"', "it has 'ip'; a rule has verdict"),
        (RULE + 'useragent = ["x"]\n' + '[[rule]]\nverdict = "human"', "rule 2: it needs a reason"),
        ("[burst]\nlinks = 1", "links of [burst] has to be a number from 2"),
        ("[burst]\nlinks = 2.5", "links of [burst]"),
        ("[burst]\nlinks = inf", "links of [burst]"),
        ("[burst]\nseconds = true", "seconds of [burst]"),
        ("[head]\nlinks = 3", "[head] can have seconds only"),
        ("burst = 3", "[burst] can have links and seconds only"),
    ],
)
def test_rules_that_can_t_be_used_are_told_of(text: str, words: str) -> None:
    with pytest.raises(BadRules, match=r".") as caught:
        with_own(text)
    assert words in str(caught.value)
