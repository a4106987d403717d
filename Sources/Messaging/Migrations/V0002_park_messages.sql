-- The order in which messages came to be kept, across parked messages and dead letters: a redriven letter goes back to its
-- own place.
CREATE SEQUENCE message_places;

-- The keys of a topic of which messages wait because the oldest of them could not be handled. Whoever adds or takes messages
-- of a key locks its row here.
CREATE TABLE parked_keys (
    topic    text        NOT NULL,
    order_id uuid        NOT NULL,
    due_at   timestamptz NOT NULL,
    claims   bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, order_id)
) WITH (fillfactor = 70);

-- When each is tried again, the nearest first.
CREATE INDEX parked_keys_due ON parked_keys (due_at);

-- The messages that wait, each once, in order of place.
CREATE TABLE parked_messages (
    topic       text        NOT NULL,
    order_id    uuid        NOT NULL,
    place       bigint      NOT NULL DEFAULT nextval('message_places'),
    identity    text        NOT NULL,
    message_id  uuid,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    message_key bytea,
    headers     jsonb       NOT NULL,
    payload     bytea,
    trouble     text        CHECK (trouble IN ('unreadable', 'refused', 'failed')),
    reason      text,
    attempts    integer     NOT NULL,
    repeats     integer     NOT NULL DEFAULT 0,
    first_seen  timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen   timestamptz NOT NULL DEFAULT clock_timestamp(),
    letter      uuid,
    PRIMARY KEY (topic, order_id, place),
    UNIQUE (topic, identity)
) WITH (fillfactor = 80);

-- A dead letter stays after it is done with, until its retention ends: what became of it, and who decided so.
ALTER TABLE dead_letters
    ADD COLUMN status           text    NOT NULL DEFAULT 'open' CHECK (
        status IN ('open', 'redriving', 'redriven', 'discarded')),
    ADD COLUMN place            bigint,
    ADD COLUMN identity         text,
    ADD COLUMN message_id       uuid,
    ADD COLUMN trouble          text    NOT NULL DEFAULT 'failed' CHECK (
        trouble IN ('unreadable', 'refused', 'failed')),
    ADD COLUMN repeats          integer NOT NULL DEFAULT 0,
    ADD COLUMN redrives         integer NOT NULL DEFAULT 0,
    ADD COLUMN edited_at        timestamptz,
    ADD COLUMN edited_by        text,
    ADD COLUMN original_headers jsonb,
    ADD COLUMN original_payload bytea,
    ADD COLUMN resolved_at      timestamptz,
    ADD COLUMN resolved_by      text,
    ADD COLUMN resolution       text;
UPDATE dead_letters d SET place = o.place, identity = d.partition || '/' || d."offset"
    FROM (SELECT id, row_number() OVER (ORDER BY first_seen, topic, partition, "offset")
                 - count(*) OVER () AS place FROM dead_letters) o
    WHERE o.id = d.id;
ALTER TABLE dead_letters
    ALTER COLUMN place SET DEFAULT nextval('message_places'),
    ALTER COLUMN place SET NOT NULL,
    ALTER COLUMN identity SET NOT NULL,
    -- A broker that loses its log gives the same offsets to other messages.
    DROP CONSTRAINT dead_letters_topic_partition_offset_key,
    ADD CONSTRAINT dead_letters_identity UNIQUE (topic, identity);

-- What waits for an operator, and what waits for the end of its retention.
CREATE INDEX dead_letters_open ON dead_letters (topic, trouble, place) WHERE status = 'open';
CREATE INDEX dead_letters_resolved ON dead_letters (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX dead_letters_message ON dead_letters (message_id) WHERE status IN ('open', 'redriving');
