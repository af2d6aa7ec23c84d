"""What a look comes to, for people who are no programmers."""

from dataclasses import dataclass

from feedbackloops.protocol.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is the matter, in a line, and what to do, step by step."""

    title: Sentence
    advice: tuple[Sentence, ...] = ()

    def __str__(self) -> str:
        return " ".join(f"{each}" for each in (self.title, *self.advice))
