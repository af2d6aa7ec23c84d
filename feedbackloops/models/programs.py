"""What programs did to loops: the log of Django's admin knows only people."""

from django.db import models
from django.db.models.functions import Now

from feedbackloops.models.loops import FeedbackLoop


class ProgramAct(models.Model):
    """Something that a program did to a loop over the API."""

    loop = models.ForeignKey(FeedbackLoop, models.CASCADE, related_name="program_acts")
    # What people call its token, which may be gone.
    program = models.TextField()
    # As the log of Django's admin has it: words, or JSON that says what was changed.
    words = models.TextField()
    done = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.program}: {self.words}"
