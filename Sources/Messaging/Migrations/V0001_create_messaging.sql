-- What a service owes the broker. Rows live for milliseconds: written with the state change, published right after
-- the commit, then deleted. The key leads the primary key, so that "is an older message of this order still waiting?"
-- is one index probe.
CREATE TABLE outbox (
    order_id    uuid        NOT NULL,
    sequence    bigint      GENERATED ALWAYS AS IDENTITY,
    owner       bigint      NOT NULL,
    topic       text        NOT NULL,
    id          uuid        NOT NULL,
    type        text        NOT NULL,
    time        timestamptz NOT NULL,
    traceparent text,
    tracestate  text,
    deadline    timestamptz,
    payload     bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Which messages were handled, and what was answered: a repeat gets the same answer and has no second effect.
CREATE TABLE inbox (
    id            uuid        PRIMARY KEY,
    handled_at    timestamptz NOT NULL DEFAULT now(),
    reply_payload bytea
);

-- What could not be processed, with everything needed to process it later.
CREATE TABLE dead_letters (
    id          uuid        PRIMARY KEY,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    order_id    uuid,
    message_key bytea,
    headers     jsonb       NOT NULL,
    payload     bytea,
    reason      text        NOT NULL,
    attempts    integer     NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    UNIQUE (topic, partition, "offset")
);
