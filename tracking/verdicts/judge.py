"""From what a hit shows to its verdict."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tracking.hits import CLICK
from tracking.verdicts.agents import Agent, agent_of
from tracking.verdicts.networks import Networks
from tracking.verdicts.rules import TYPES, Rules, Verdict

# What the code itself finds, beside the reasons that the rules have.
BURST: Final = "burst"
HEAD_FIRST: Final = "head-first"
ROBOT_LIST: Final = "robot-list"
BROWSER: Final = "browser"
MAIL_PROGRAM: Final = "mail-program"
NO_LANGUAGE: Final = "no-language"
NO_USER_AGENT: Final = "no-useragent"
STRANGE_USER_AGENT: Final = "strange-useragent"

AGENTS_KEPT: Final = 8192
_BY_BROWSER: Final = (BROWSER,)


class Judgement(NamedTuple):
    """A verdict with its reasons, and what is known of the program; "" for what is not."""

    verdict: Verdict
    reasons: tuple[str, ...]
    client: str = ""
    os: str = ""
    device: str = ""


class _Known(NamedTuple):
    """What follows from a User-Agent alone. `fits`: the numbers of the rules that hits with it may meet."""

    agent: Agent
    fits: frozenset[int]
    # By type: the numbers of the rules that it meets and that ask for nothing else, and the judgement by these.
    plain: Mapping[str, tuple[int, ...]]
    usual: Mapping[str, Judgement]


class Judge:
    """Gives verdicts by rules; to be used by several threads."""

    def __init__(self, rules: Rules) -> None:
        self.limits = rules
        self._rules = rules.rules
        numbered = list(enumerate(rules.rules))
        self._networks = Networks((each, number) for number, rule in numbered for each in rule.networks)
        self._by_header = tuple(number for number, rule in numbered if rule.headers and not rule.networks)
        self._header_names = frozenset(name for rule in rules.rules for name, _ in rule.headers)
        self._known = lru_cache(maxsize=AGENTS_KEPT)(self._look_at)

    def judge(self, type: str, data: Mapping[str, Any], behaviour: tuple[str, ...] = ()) -> Judgement:
        """The verdict on an open or a click with this data (as its event keeps it).

        `behaviour`: BURST and HEAD_FIRST, where other hits tell so.
        """
        known = self._known(str(data.get("useragent", "")))
        near = self._networks.numbers_of(data.get("ip", ""))
        told = () if self._header_names.isdisjoint(data) else self._by_header
        if near or told or behaviour:
            fitting = {*known.plain[type], *self._that_fit(near + told, type, data, known)}
            if judgement := self._decide(sorted(fitting), behaviour, known.agent):
                return judgement
        usual = known.usual[type]
        # Every browser says which languages its reader has, when a link is followed. Reports have no headers at all.
        if type == CLICK and usual.reasons == _BY_BROWSER and "accept-language" not in data and "source" not in data:
            return _judgement(Verdict.UNKNOWN, (NO_LANGUAGE,), known.agent)
        return usual

    def _decide(self, fitting: list[int], behaviour: tuple[str, ...], agent: Agent) -> Judgement | None:
        """The first rule decides. What a hit does goes before what it says, but after what the operator says."""
        if behaviour and not (fitting and fitting[0] < self.limits.own):
            return _judgement(Verdict.MACHINE, (*behaviour, *self._reasons(fitting, Verdict.MACHINE)), agent)
        if not fitting:
            return None
        verdict = self._rules[fitting[0]].verdict
        return _judgement(verdict, self._reasons(fitting, verdict), agent)

    def _reasons(self, fitting: list[int], verdict: Verdict) -> tuple[str, ...]:
        rules = (self._rules[number] for number in fitting)
        return tuple(dict.fromkeys(rule.reason for rule in rules if rule.verdict is verdict))

    def _that_fit(self, numbers: tuple[int, ...], type: str, data: Mapping[str, Any], known: _Known) -> tuple[int, ...]:
        rules = self._rules
        return tuple(
            number
            for number in numbers
            if number in known.fits and type in rules[number].types and rules[number].fits_headers(data)
        )

    def _look_at(self, useragent: str) -> _Known:
        agent = agent_of(useragent)
        fits = frozenset(number for number, rule in enumerate(self._rules) if rule.fits_agent(useragent))
        alone = [number for number in sorted(fits) if not (self._rules[number].networks or self._rules[number].headers)]
        plain = {type: tuple(number for number in alone if type in self._rules[number].types) for type in TYPES}
        by_agent = _by_agent(agent, useragent)
        usual = {type: self._decide(list(numbers), (), agent) or by_agent for type, numbers in plain.items()}
        return _Known(agent, fits, plain, usual)


def _judgement(verdict: Verdict, reasons: tuple[str, ...], agent: Agent) -> Judgement:
    """What a machine or a proxy says of system and device is nobody's."""
    is_person = verdict in (Verdict.HUMAN, Verdict.UNKNOWN)
    return Judgement(verdict, reasons, agent.client, *((agent.os, agent.device) if is_person else ()))


def _by_agent(agent: Agent, useragent: str) -> Judgement:
    if agent.is_robot:
        return _judgement(Verdict.MACHINE, (ROBOT_LIST,), agent)
    if agent.is_mail_program:
        return _judgement(Verdict.HUMAN, (MAIL_PROGRAM,), agent)
    if agent.is_browser:
        return _judgement(Verdict.HUMAN, _BY_BROWSER, agent)
    return _judgement(Verdict.UNKNOWN, (STRANGE_USER_AGENT if useragent else NO_USER_AGENT,), agent)
