-- The messages of a transaction are one row: what is written and deleted once for each message costs more than the orders
-- themselves. `outbox` stays for processes of the version before, and what they leave behind is brought over.
CREATE TABLE outbox_batches (
    sequence     bigint        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner        bigint        NOT NULL,
    size         integer       NOT NULL CHECK (size = cardinality(order_ids) AND size BETWEEN 1 AND 1024),
    order_ids    uuid[]        NOT NULL,
    topics       text[]        NOT NULL,
    ids          uuid[]        NOT NULL,
    types        text[]        NOT NULL,
    times        timestamptz[] NOT NULL,
    traceparents text[]        NOT NULL,
    tracestates  text[]        NOT NULL,
    deadlines    timestamptz[] NOT NULL,
    payloads     bytea[]       NOT NULL,
    created_at   timestamptz   NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);

-- What one looks at when messages wait.
CREATE VIEW outbox_messages AS
SELECT b.sequence * 1024 + m.place - 1 AS sequence, b.owner, m.order_id, m.topic, m.id, m.type, m.time, m.traceparent,
       m.tracestate, m.deadline, m.payload, b.created_at
FROM outbox_batches b
CROSS JOIN LATERAL unnest(b.order_ids, b.topics, b.ids, b.types, b.times, b.traceparents, b.tracestates, b.deadlines,
                          b.payloads) WITH ORDINALITY
    AS m(order_id, topic, id, type, time, traceparent, tracestate, deadline, payload, place);

-- Batches of more than a page's quarter are compressed; the newer method takes a fraction of the time, where the server has it.
DO $$
BEGIN
    ALTER TABLE outbox_batches
        ALTER COLUMN topics SET COMPRESSION lz4, ALTER COLUMN types SET COMPRESSION lz4,
        ALTER COLUMN traceparents SET COMPRESSION lz4, ALTER COLUMN payloads SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
