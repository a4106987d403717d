-- Where each saga stands. Whoever advances one locks its row and commits the new state together with the messages it sends:
-- the lock is the lease, it ends with its session, and nothing a paused process does later can be half of a step.
CREATE TABLE sagas (
    id              uuid        PRIMARY KEY,
    definition      text        NOT NULL,
    version         integer     NOT NULL,
    status          text        NOT NULL CHECK (
        status IN ('running', 'compensating', 'parked', 'quarantined', 'completed', 'compensated')),
    position        integer     NOT NULL,
    attempts        integer     NOT NULL,
    step_started_at timestamptz NOT NULL,
    due_at          timestamptz,
    started_at      timestamptz NOT NULL,
    failure         text,
    entries         integer     NOT NULL
) WITH (fillfactor = 70);

-- What acts by itself if nothing comes, the nearest first.
CREATE INDEX sagas_due ON sagas (due_at) WHERE due_at IS NOT NULL;

-- The journal: one entry a step or compensation, in order of starting.
CREATE TABLE saga_steps (
    saga_id     uuid        NOT NULL,
    entry       integer     NOT NULL,
    step        text        NOT NULL,
    kind        text        NOT NULL,
    undoes      text,
    status      text        NOT NULL,
    attempts    integer     NOT NULL,
    channel     text        NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    detail      text,
    PRIMARY KEY (saga_id, entry)
) WITH (fillfactor = 80);
