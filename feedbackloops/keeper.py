"""What an engine does in a turn: lease, claim, hand to the sender, record, give back. One thread only."""

import logging
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from uuid import uuid4

from django.conf import settings
from django.utils.timezone import now

from feedbackloops import lanes
from feedbackloops.alarms import Alarms
from feedbackloops.attempts import RECORDED, Sending, attempt_id, ended, log_end, log_starts, unsendable
from feedbackloops.calls import Contents, call_for
from feedbackloops.lane import Lane
from feedbackloops.lanes import Claimed
from feedbackloops.models import DeliveryState
from feedbackloops.outbound.calls import Answer, Call
from feedbackloops.protocol.outcome import judge
from feedbackloops.recording import Recording
from feedbackloops.versions import Versions

logger = logging.getLogger(__name__)

# What is handed over is under way while the next calls are made.
CALLS_AT_ONCE = 50
# Of lanes in trouble so many are looked into in a turn: when hundreds end their rest at once, the others go first.
TROUBLED_AT_ONCE = 25
# With so many attempts unrecorded, no more calls are made: what a crash would leave unknown stays bounded.
MOST_UNRECORDED = 5000
# A retry that is due sooner is waited for here; a later one is found by the sweep.
ALARM_SECONDS = 60.0
# Parts of the lease: renewed after a ninth of it, no call started later than two ninths after that (5 s, 10 s of 45 s).
RENEW_PART, FRESH_PART = 1 / 9, 2 / 9
IDLE_SECONDS = 1.0
# A lane is kept for so long after its last call: a lease for each event would cost more than the call.
LINGER_SECONDS = 3.0
# All lanes are looked through for those that can be given back so often; one that something became of, at once.
LOOK_THROUGH_SECONDS = 0.25
# A notice may get lost. A lane with calls under way and free places is looked into when nobody has for so long.
LEFT_ALONE_SECONDS = 3.0


class Keeper:
    """The lanes that this engine holds, and the attempts that it has not recorded yet."""

    def __init__(self, submit: Callable[[list[Call]], None], wake: Callable[[], None]) -> None:
        """`wake` is called from another thread when a turn has something to do that it waited for."""
        self.engine = uuid4()
        self._submit = submit
        self._lanes: dict[int, Lane] = {}
        self._alarms = Alarms()
        self._versions = Versions()
        self._recording = Recording(wake)
        self._renewed = self._looked_through = 0.0
        self._wanted: set[int] = set()
        self._touched: set[Lane] = set()
        self._inherits = False

    def inherit(self, former: "Keeper") -> None:
        """Take over what a former keeper of this process has not recorded yet, and send nothing before that is done."""
        self._recording, self._inherits = former._recording, True

    def hear(self, loops: Iterable[int]) -> None:
        """Look into these lanes with the next turn, where they are held here."""
        for loop in loops:
            if lane := self._lanes.get(loop):
                lane.more = True

    def turn(self, rung: Iterable[int], over: Iterable[tuple[Call, Answer]]) -> bool:
        """Do what there is to do for the lanes that were rung and the calls that are over; whether calls were made."""
        self._collect(over)
        self._renew()
        self._lease([*rung, *self._alarms.gone_off(monotonic())])
        self._record()
        sent = self._send()
        self._give_back()
        return sent

    def close(self, over: Iterable[tuple[Call, Answer]]) -> bool:
        """Do what is left to do when no more calls are made; whether it is done."""
        self._collect(over)
        self._renew()
        for lane in self._lanes.values():
            lane.fresh_until = 0.0
        self._record(at_once=True)
        idle = [lane for lane in self._lanes.values() if not lane.known]
        self._let_go(idle, anyway=True)
        if self._lanes or len(self._recording):
            return False
        self._recording.end()
        return True

    def pause(self) -> float:
        """Seconds until the next turn has something to do, unless a ring or an answer comes first."""
        moment = monotonic()
        times = [self._renewed + settings.LEASE_SECONDS * RENEW_PART] if self._lanes else []
        times += [self._recording.next_at(), self._alarms.next_at()]
        if not self._is_behind():
            wanting = [lane for lane in self._lanes.values() if lane.more]
            times += [wake for lane in wanting if (wake := lane.wakes_at(moment)) is not None]
        return min(max(min(times, default=moment + IDLE_SECONDS) - moment, 0.0), IDLE_SECONDS)

    def _lease(self, loops: Sequence[int]) -> None:
        self.hear(loops)
        # They stay wanted until the answer is there: lanes that became ours without our hearing of it get no ring.
        self._wanted.update(loop for loop in loops if loop not in self._lanes)
        if self._wanted:
            moment = monotonic()
            # Of no lanes, none needs to be renewed before the new ones do.
            self._renewed = self._renewed if self._lanes else moment
            fresh_until = moment + settings.LEASE_SECONDS * FRESH_PART
            for lease in lanes.lease(self.engine, sorted(self._wanted), settings.LEASE_SECONDS):
                self._lanes[lease.loop] = Lane.leased(lease, fresh_until, monotonic())
            elsewhere, self._wanted = self._wanted - self._lanes.keys(), set()
            if elsewhere:
                lanes.tell(elsewhere)

    def _renew(self) -> None:
        moment = monotonic()
        if not self._lanes or moment - self._renewed < settings.LEASE_SECONDS * RENEW_PART:
            return
        held = [lane.fence for lane in self._lanes.values()]
        kept = lanes.renew(self.engine, held, settings.LEASE_SECONDS)
        self._renewed = moment
        for loop in self._lanes.keys() - kept:
            logger.warning("Another engine holds the lane of loop %d now", loop, extra={"loop": loop})
            del self._lanes[loop]
        for lane in self._lanes.values():
            lane.fresh_until = moment + settings.LEASE_SECONDS * FRESH_PART

    def _collect(self, over: Iterable[tuple[Call, Answer]]) -> None:
        moment, wall, is_followed = monotonic(), now(), logger.isEnabledFor(logging.DEBUG)
        for call, answer in over:
            sending: Sending = call.tag
            self._touched.add(sending.lane)
            if not answer.started:
                sending.lane.not_started(sending.claimed.id)
                continue
            judgement = judge(answer, now=wall)
            sending.lane.finish(judgement, started=sending.at, now=moment)
            self._recording.add(sending.lane, ended(sending, answer, judgement))
            if is_followed:
                log_end(sending, judgement)

    def _record(self, *, at_once: bool = False) -> None:
        written = self._recording.step(at_once=at_once)
        if not written:
            return
        RECORDED.update(done.outcome for _, done in written)
        # The pauses run from the database's now(), which was earlier.
        moment = monotonic()
        for lane, done in written:
            lane.known.discard(done.delivery)
            self._touched.add(lane)
            if done.state == DeliveryState.PENDING and done.pause <= ALARM_SECONDS:
                self._alarms.set(moment + done.pause, done.loop)
        self._note({lane for lane, _ in written})

    def _note(self, known: Iterable[Lane]) -> None:
        moment = monotonic()
        notes = {lane: note for lane in known if (note := lane.note(moment))}
        if notes:
            lanes.note(self.engine, list(notes.values()))
        for lane, note in notes.items():
            lane.was_noted(note, moment)

    def _send(self) -> bool:
        moment = monotonic()
        wanting = self._wanting()
        self._touched.update(wanting)
        self._adapt([lane for lane in wanting if lane.is_unread], moment)
        free = {lane: free for lane in wanting if (free := lane.free(moment))}
        if not free or self._is_behind():
            return False
        claimed: dict[Lane, list[Claimed]] = {lane: [] for lane in free}
        for each in lanes.claim([lane.place(count) for lane, count in free.items()]):
            claimed[self._lanes[each.loop]].append(each)
        self._adapt([lane for lane, due in claimed.items() if due and due[0].version != lane.version], moment)
        taken = [
            each
            for lane, due in claimed.items()
            if not lane.barred
            for each in lane.accept(due, min(free[lane], lane.free(moment)), moment)
        ]
        self._make_calls(taken)
        return bool(taken)

    def _is_behind(self) -> bool:
        self._inherits = self._inherits and len(self._recording) > 0
        return self._inherits or len(self._recording) >= MOST_UNRECORDED

    def _wanting(self) -> list[Lane]:
        wanting = [lane for lane in self._lanes.values() if lane.more]
        troubled = [lane for lane in wanting if lane.pace.troubles]
        if len(troubled) <= TROUBLED_AT_ONCE:
            return wanting
        return [lane for lane in wanting if not lane.pace.troubles] + random.sample(troubled, TROUBLED_AT_ONCE)

    def _adapt(self, wanting: Sequence[Lane], moment: float) -> None:
        if not wanting:
            return
        facts = {each.loop: each for each in lanes.facts(lane.lease.loop for lane in wanting)}
        for lane in wanting:
            sendable = facts.get(lane.lease.loop)
            if sendable is None or not lane.adapt(sendable, moment):
                lane.bar()
        self._versions.number([lane for lane in wanting if not lane.barred])

    def _make_calls(self, taken: Sequence[Claimed]) -> None:
        if not taken:
            return
        calls: list[Call] = []
        left = deque(taken)
        try:
            known = {id: Contents(*each) for id, each in lanes.events({each.event for each in taken}).items()}
            while left:
                if call := self._call(left[0], known.get(left[0].event)):
                    calls.append(call)
                left.popleft()
                if len(calls) == CALLS_AT_ONCE or not left:
                    log_starts(call.tag for call in calls)
                    self._submit(calls)
                    calls = []
        except Exception:
            # What was claimed and not handed over is nobody's: it has to be claimed again.
            for each in (*left, *(call.tag.claimed for call in calls)):
                self._lanes[each.loop].not_started(each.id)
            raise

    def _call(self, claimed: Claimed, contents: Contents | None) -> Call | None:
        lane = self._lanes[claimed.loop]
        version = lane.script.version if contents else None
        sending = Sending(attempt_id(claimed, lane), claimed, lane, now(), monotonic(), version)
        if contents is None:
            self._end(sending, "The event is no longer kept, so there is nothing to send.", DeliveryState.CANCELLED)
            return None
        try:
            attempt, started = claimed.attempts + 1, sending.started
            return call_for(
                lane.script,
                contents,
                attempt,
                now=started,
                tag=sending,
                may_start=lane.may_start,
                can_wait=lane.pace.troubles > 0,
                id=sending.id,
            )
        except Exception as error:
            about = {"event": claimed.event, "loop": claimed.loop, "delivery": claimed.id}
            logger.exception("No call could be made of delivery %s", claimed.id, extra=about)
            self._end(sending, f"No call could be made of this event: {error}", DeliveryState.GIVEN_UP)
            return None

    def _end(self, sending: Sending, reason: str, state: DeliveryState) -> None:
        sending.lane.pace.in_flight -= 1
        self._recording.add(sending.lane, unsendable(sending, reason, state))

    def _give_back(self) -> None:
        moment = monotonic()
        idle = [lane for lane in self._changed(moment) if lane.is_idle(moment)]
        for lane in idle:
            if lane.is_resting(moment) and not lane.barred:
                self._alarms.set(lane.pace.resting_until, lane.lease.loop)
        closed = [lane for lane in idle if lane.barred or lane.stop_reason or lane.is_resting(moment)]
        self._let_go(closed, anyway=True)
        unused = [lane for lane in idle if lane not in closed and moment - lane.used >= LINGER_SECONDS]
        self._let_go(unused, anyway=False)

    def _changed(self, moment: float) -> Iterable[Lane]:
        """The lanes that something became of; all of them now and then, since time passes for them as well."""
        touched, self._touched = self._touched, set()
        if moment - self._looked_through >= LOOK_THROUGH_SECONDS:
            self._looked_through = moment
            for lane in self._lanes.values():
                lane.look_again(moment, LEFT_ALONE_SECONDS)
            return self._lanes.values()
        return [lane for lane in touched if self._lanes.get(lane.lease.loop) is lane]

    def _let_go(self, idle: Sequence[Lane], *, anyway: bool) -> None:
        if not idle:
            return
        # What an earlier turn learnt and could not write would go with the lane.
        self._note(idle)
        # Should the answer not come, they may be another engine's: a renewal tells before the next claim.
        renewed, self._renewed = self._renewed, float("-inf")
        released = lanes.release(self.engine, [lane.fence for lane in idle], anyway=anyway)
        self._renewed = renewed
        for lane in idle:
            if anyway or lane.lease.loop in released:
                del self._lanes[lane.lease.loop]
            else:
                # Something is due after all, or the lane is no longer ours: a renewal tells before the next claim.
                lane.restart()
                self._renewed = float("-inf")
