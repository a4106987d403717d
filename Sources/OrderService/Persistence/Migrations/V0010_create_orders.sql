-- What was ordered and what became of it. The details never change; status, reason and updated_at do.
CREATE TABLE orders (
    id            uuid        PRIMARY KEY,
    customer_id   text        NOT NULL,
    status        text        NOT NULL CHECK (
        status IN ('pending', 'confirmed', 'rejected', 'cancelled', 'shipped', 'delivered')),
    reason        text,
    currency      text        NOT NULL,
    total         bigint      NOT NULL CHECK (total > 0),
    lines         jsonb       NOT NULL,
    ship_to       jsonb       NOT NULL,
    payment_token text        NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX orders_by_age ON orders (created_at, id);
CREATE INDEX orders_by_customer ON orders (customer_id, created_at, id);
