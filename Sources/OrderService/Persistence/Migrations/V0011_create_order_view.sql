-- What became of orders, said in the transaction that made it so. Rows live for milliseconds: the projector numbers
-- them, shows them in the feed and in the view, and deletes them.
CREATE TABLE order_facts (
    sequence    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id    uuid        NOT NULL,
    status      text        NOT NULL,
    reason      text,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The facts in the order in which they became visible. Whoever numbers them holds the row of order_projection until
-- the commit, so nobody sees a number before a smaller one: a reader who has come to n has missed nothing below.
CREATE TABLE order_feed (
    number      bigint      PRIMARY KEY,
    order_id    uuid        NOT NULL,
    customer_id text        NOT NULL,
    status      text        NOT NULL,
    reason      text,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX order_feed_by_order ON order_feed (order_id, number);

-- The last number given, and the lowest that is still kept.
CREATE TABLE order_projection (
    is_only     boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    last_number bigint      NOT NULL,
    kept_from   bigint      NOT NULL
) WITH (fillfactor = 10);
INSERT INTO order_projection (last_number, kept_from) VALUES (0, 1);

-- Orders as lists show them. The indexes that lists need are here and not on the table that every step of a saga writes.
CREATE TABLE order_view (
    id            uuid        PRIMARY KEY,
    customer_id   text        NOT NULL,
    status        text        NOT NULL,
    reason        text,
    currency      text        NOT NULL,
    total         bigint      NOT NULL,
    lines         jsonb       NOT NULL,
    ship_to       jsonb       NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
) WITH (fillfactor = 80);
INSERT INTO order_view (id, customer_id, status, reason, currency, total, lines, ship_to, created_at, updated_at)
SELECT id, customer_id, status, reason, currency, total, lines, ship_to, created_at, updated_at FROM orders;
CREATE INDEX order_view_by_age ON order_view (created_at, id);
CREATE INDEX order_view_by_customer ON order_view (customer_id, created_at, id);

DROP INDEX orders_by_age;
DROP INDEX orders_by_customer;
