"""The judge of this process: by the rules that come with the product, and by those that the operator has added."""

from functools import cache

from django.conf import settings

from tracking.verdicts.judge import Judge
from tracking.verdicts.rules import BadRules, Rules, built_in, with_own


def rules() -> Rules:
    """The rules in use. Raises BadRules, naming the file, for one that can't be read or used."""
    name = settings.VERDICT_RULES
    if not name:
        return built_in()
    try:
        with open(name, encoding="utf-8") as file:
            return with_own(file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise BadRules(f"VERDICT_RULES names {name}, which can't be read: {error}") from error
    except BadRules as error:
        raise BadRules(f"VERDICT_RULES names {name}, which can't be used: {error}.") from error


@cache
def judge() -> Judge:
    """The judge, made once: the rules are read when the process starts. Raises BadRules."""
    return Judge(rules())


def warm_up() -> None:
    """Have what takes its time the first time, about half a second, behind us. Raises BadRules."""
    judge().judge("open", {"useragent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
