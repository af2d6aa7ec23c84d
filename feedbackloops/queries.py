"""The statements behind lanes.py. Each works on a set, and each is prepared once per connection.

A history table is always narrowed to the set's ids, beside the join and the range that picks partitions: a plan made
while the tables were empty, and kept, would go through all rows between the oldest and the newest of the set.
"""

from feedbackloops.protocol import latency

# When a UUIDv7 was made, in seconds since 1970. PostgreSQL reads its time only from version 18 on.
SECONDS_OF_ID = "('x' || encode(uuid_send(id), 'hex'))::bit(48)::bigint / 1000::float8"
HOUR_OF_ID = f"date_trunc('hour', to_timestamp({SECONDS_OF_ID}))"

# Of a loop `l` and its lane `s`: whether anything may be sent, as far as staff and stops go.
OPEN = "l.status = 'active' AND l.verified_place <> '' AND l.verified_place = l.place AND s.stopped IS NULL"
# The first row of the queue will do: as an EXISTS it would become a join, which reads all that waits in a loop.
PENDING = """(SELECT 1 FROM feedbackloops_delivery d
    WHERE d.loop_id = l.id AND d.state = 'pending' AND d.id >= %(oldest)s
    ORDER BY d.next_attempt, d.id LIMIT 1) IS NOT NULL"""

# What is already the engine's is so without its knowing: the answer to a lease was lost.
LEASE = """
INSERT INTO feedbackloops_lanestate AS lane
    (loop_id, lease_number, engine, leased_until, troubles, stop_reason, last_trouble)
SELECT l.id, 1, %(engine)s, now() + %(seconds)s * interval '1 second', 0, '', ''
FROM feedbackloops_feedbackloop l LEFT JOIN feedbackloops_lanestate s ON s.loop_id = l.id
WHERE l.id = ANY(%(loops)s::bigint[])
    AND (s.leased_until IS NULL OR s.leased_until < now() OR s.engine = %(engine)s) ORDER BY l.id
ON CONFLICT (loop_id) DO UPDATE
SET lease_number = lane.lease_number + 1, engine = excluded.engine, leased_until = excluded.leased_until
WHERE lane.leased_until IS NULL OR lane.leased_until < now() OR lane.engine = excluded.engine
RETURNING loop_id, lease_number, troubles, coalesce(extract(epoch FROM cooling_until - now()), 0)::float8,
    failing_since IS NOT NULL
"""

RENEW = """
UPDATE feedbackloops_lanestate lane SET leased_until = now() + %(seconds)s * interval '1 second'
FROM unnest(%(loops)s::bigint[], %(numbers)s::bigint[]) AS held (loop_id, number)
WHERE lane.loop_id = held.loop_id AND lane.lease_number = held.number AND lane.engine = %(engine)s
RETURNING lane.loop_id
"""

FACTS = f"""
SELECT l.id, l.account_id, l.url, l.body_format, l.secret, l.previous_secret, l.rsa_private_key, l.rsa_key_id,
    l.in_flight_limit, l.rate_limit, l.xmin::text, s.failing_since IS NOT NULL, l.only_fields, l.left_out
FROM feedbackloops_feedbackloop l JOIN feedbackloops_lanestate s ON s.loop_id = l.id
WHERE l.id = ANY(%(loops)s::bigint[]) AND {OPEN}
"""

# What is under way looks due as well: no row says "sending". So a claim goes on from where the last one ended, but for
# half a second: a fan-out that took that long to commit has put its deliveries before that place.
CLAIM = f"""
SELECT due.*, l.xmin::text FROM (
    SELECT loop_id, free, least(after, now() - interval '0.5 seconds') AS after, after_id
    FROM unnest(%(loops)s::bigint[], %(free)s::int[], %(after)s::timestamptz[], %(after_ids)s::uuid[])
        AS t (loop_id, free, after, after_id)
) lane
JOIN feedbackloops_feedbackloop l ON l.id = lane.loop_id
JOIN feedbackloops_lanestate s ON s.loop_id = lane.loop_id
CROSS JOIN LATERAL (
    SELECT d.id, d.event_id, d.loop_id, d.account_id, d.attempts, d.attempts_before,
        d.next_attempt::text
    FROM feedbackloops_delivery d
    WHERE d.loop_id = lane.loop_id AND d.state = 'pending' AND d.next_attempt <= now() AND d.id >= %(oldest)s
        AND (d.next_attempt, d.id) > (lane.after, lane.after_id)
    ORDER BY d.next_attempt, d.id LIMIT lane.free
) due
WHERE {OPEN}
"""

EVENTS = """
SELECT e.id, e.type, e.message_id, e.data, s.data
FROM tracking_event e LEFT JOIN feedbackloops_snapshot s
    ON s.id = e.id AND s.id = ANY(%(ids)s::uuid[]) AND s.id BETWEEN %(first)s AND %(last)s
WHERE e.id = ANY(%(ids)s::uuid[]) AND e.id BETWEEN %(first)s AND %(last)s
"""

_BUCKET = f"width_bucket(date_part('epoch', started) + total - {SECONDS_OF_ID}, ARRAY{list(latency.BOUNDS)}::float8[])"
_IN_BUCKETS = ", ".join(f"count(*) FILTER (WHERE bucket = {number})" for number in range(latency.BUCKETS))

# A success counts whoever reports it, and also of what staff have cancelled meanwhile: the script has it. A failure
# counts only if nobody else has tried meanwhile, and leaves cancelled what was. Counted is what this statement really
# changed, so recording twice counts once. The hours are locked last and in order: no two engines wait for each other
# there. Of a delivery that is gone, since its recipient was forgotten, nothing is written. (As EXISTS, without
# the LIMIT, that might be planned as a hash of all deliveries of the stretch.)
RECORD = f"""
WITH done AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(deliveries)s::uuid[], %(loops)s::bigint[], %(accounts)s::bigint[], %(numbers)s::smallint[],
        %(started)s::timestamptz[], %(outcomes)s::text[], %(states)s::text[], %(pauses)s::float8[],
        %(messages)s::text[], %(statuses)s::smallint[],
        %(addresses)s::text[], %(dns)s::float8[], %(connects)s::float8[], %(tls)s::float8[],
        %(first_bytes)s::float8[], %(totals)s::float8[], %(answers)s::bytea[], %(heads)s::text[],
        %(versions)s::bigint[]
    ) AS t (id, delivery_id, loop_id, account_id, number, started, outcome, state, pause, message, status, address, dns,
        connect, tls, first_byte, total, answer, head, version)
), moved AS (
    UPDATE feedbackloops_delivery d
    SET state = CASE WHEN d.state = 'cancelled' AND done.state <> 'delivered' THEN d.state ELSE done.state END,
        outcome = done.outcome, attempts = done.number,
        next_attempt = now() + done.pause * interval '1 second'
    FROM done
    WHERE d.id = done.delivery_id AND d.id = ANY(%(deliveries)s::uuid[])
        AND d.id BETWEEN %(first)s AND %(last)s
        AND d.state IN ('pending', 'cancelled') AND (done.state = 'delivered' OR d.attempts = done.number - 1)
    RETURNING d.id, d.loop_id, d.state, done.started, done.total
), history AS (
    INSERT INTO feedbackloops_attempt (id, delivery_id, loop_id, account_id, number, started, outcome, message, status,
        address, dns, connect, tls, first_byte, total, answer, head, version_id)
    SELECT id, delivery_id, loop_id, account_id, number, started, outcome, message, status, address, dns, connect, tls,
        first_byte, total, answer, head, nullif(version, 0)
    FROM done WHERE delivery_id IN (SELECT id FROM moved) OR (
        SELECT true FROM feedbackloops_delivery d
        WHERE d.id = done.delivery_id AND d.id BETWEEN %(first)s AND %(last)s LIMIT 1
    )
    ON CONFLICT (id) DO NOTHING
    RETURNING loop_id, started, outcome
), counted AS (
    SELECT loop_id, started, state AS kind, CASE WHEN state = 'delivered' THEN {_BUCKET} END AS bucket
    FROM moved WHERE state IN ('delivered', 'given_up')
    UNION ALL
    SELECT loop_id, started, 'failed', NULL FROM history WHERE outcome <> 'accepted'
)
INSERT INTO feedbackloops_loophour AS kept (loop_id, hour, delivered, failed, given_up, latency)
SELECT loop_id, date_trunc('hour', started), count(*) FILTER (WHERE kind = 'delivered'),
    count(*) FILTER (WHERE kind = 'failed'), count(*) FILTER (WHERE kind = 'given_up'), ARRAY[{_IN_BUCKETS}]
FROM counted GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (loop_id, hour) DO UPDATE
SET delivered = kept.delivered + excluded.delivered, failed = kept.failed + excluded.failed,
    given_up = kept.given_up + excluded.given_up,
    latency = ARRAY(
        SELECT coalesce(before, 0) + coalesce(added, 0)
        FROM unnest(kept.latency, excluded.latency) WITH ORDINALITY AS each (before, added, place) ORDER BY place
    )
"""

# Met before, by this or by another engine: nothing but the number is wanted, and this is how to get it.
MEET = """
INSERT INTO feedbackloops_scriptversion (loop_id, fingerprint, url, body_format, user_agent, secrets, rsa_key_id,
    rsa_key, narrowing)
SELECT loop_id, fingerprint, url, body_format, user_agent, string_to_array(secrets, ' '), rsa_key_id, rsa_key,
    narrowing::jsonb
FROM unnest(%(loops)s::bigint[], %(fingerprints)s::uuid[], %(urls)s::text[], %(formats)s::text[],
    %(agents)s::text[], %(secrets)s::text[], %(key_ids)s::text[], %(keys)s::text[], %(narrowings)s::text[])
    AS met (loop_id, fingerprint, url, body_format, user_agent, secrets, rsa_key_id, rsa_key, narrowing)
ORDER BY 1, 2
ON CONFLICT (loop_id, fingerprint) DO UPDATE SET fingerprint = excluded.fingerprint
RETURNING loop_id, fingerprint, id
"""

NOTE = """
UPDATE feedbackloops_lanestate lane
SET troubles = note.troubles, last_trouble = note.trouble,
    cooling_until = CASE WHEN note.rests > 0 THEN now() + note.rests * interval '1 second' END,
    last_success = CASE WHEN note.succeeded THEN now() ELSE lane.last_success END,
    failing_since = CASE WHEN note.failing THEN coalesce(lane.failing_since, now()) END,
    failing_for = CASE WHEN note.failing THEN lane.failing_for ELSE 0 END,
    told = CASE WHEN note.failing OR lane.stopped IS NOT NULL THEN lane.told ELSE '' END,
    stopped = CASE WHEN note.stop_reason <> '' THEN now() ELSE lane.stopped END,
    stop_reason = CASE WHEN note.stop_reason <> '' THEN note.stop_reason ELSE lane.stop_reason END
FROM unnest(%(loops)s::bigint[], %(numbers)s::bigint[], %(troubles)s::int[], %(rests)s::float8[], %(succeeded)s::bool[],
    %(failing)s::bool[], %(trouble)s::text[], %(stop_reasons)s::text[])
    AS note (loop_id, number, troubles, rests, succeeded, failing, trouble, stop_reason)
WHERE lane.loop_id = note.loop_id AND lane.lease_number = note.number AND lane.engine = %(engine)s
"""

SENDABLE = f"""
{OPEN} AND (s.cooling_until IS NULL OR s.cooling_until <= now())
AND EXISTS (SELECT 1 FROM feedbackloops_delivery d
    WHERE d.loop_id = l.id AND d.state = 'pending' AND d.next_attempt <= now() AND d.id >= %(oldest)s)
"""

# A lane is only given back when nothing is due: an event that was owed while we held it rang in vain elsewhere.
RELEASE = f"""
UPDATE feedbackloops_lanestate lane SET engine = NULL, leased_until = NULL
FROM unnest(%(loops)s::bigint[], %(numbers)s::bigint[]) AS held (loop_id, number)
WHERE lane.loop_id = held.loop_id AND lane.lease_number = held.number AND lane.engine = %(engine)s
    AND (%(anyway)s OR NOT EXISTS (
        SELECT 1 FROM feedbackloops_feedbackloop l JOIN feedbackloops_lanestate s ON s.loop_id = l.id
        WHERE l.id = held.loop_id AND {SENDABLE}
    ))
RETURNING lane.loop_id
"""

# Where engines listen for lanes that they hold: a task for each would cost ten times as much.
CHANNEL = "lanes"
TELL = f"""
SELECT array_agg(loop_id), pg_notify('{CHANNEL}', string_agg(loop_id::text, ','))
FROM feedbackloops_lanestate WHERE loop_id = ANY(%(loops)s::bigint[]) AND leased_until > now()
HAVING count(*) > 0
"""

DUE = f"""
SELECT l.id FROM feedbackloops_feedbackloop l LEFT JOIN feedbackloops_lanestate s ON s.loop_id = l.id
WHERE (s.leased_until IS NULL OR s.leased_until < now()) AND {SENDABLE}
"""

# Nothing reaches further ahead of the clock than this, unless the clock was ahead when it was written.
CUT_LEASES = """
UPDATE feedbackloops_lanestate
SET leased_until = least(leased_until, now() + %(seconds)s * interval '1 second'),
    cooling_until = least(cooling_until, now() + %(rests)s * interval '1 second')
WHERE leased_until > now() + 2 * %(seconds)s * interval '1 second'
    OR cooling_until > now() + 2 * %(rests)s * interval '1 second'
"""

# What was never tried is due from the start. This goes through the index entries of all that waits for a retry.
MAKE_DUE = """
UPDATE feedbackloops_delivery SET next_attempt = now()
WHERE id >= %(oldest)s AND state = 'pending' AND attempts = attempts_before
    AND next_attempt > now() + %(seconds)s * interval '1 second'
RETURNING id
"""
