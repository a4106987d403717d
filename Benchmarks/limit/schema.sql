-- The least that four services need to keep for an order: one schema a service, one table for each thing that has to survive.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS orders, inventory, payments, shipping CASCADE;
CREATE SCHEMA orders;
CREATE SCHEMA inventory;
CREATE SCHEMA payments;
CREATE SCHEMA shipping;

CREATE SEQUENCE orders.batches CACHE 1;
CREATE TABLE orders.orders (
    id uuid PRIMARY KEY, customer text NOT NULL, status text NOT NULL, total bigint NOT NULL, ship_to text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE TABLE orders.lines (
    order_id uuid NOT NULL, line int NOT NULL, sku int NOT NULL, quantity int NOT NULL, price bigint NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE orders.keys (
    key text PRIMARY KEY, order_id uuid NOT NULL, digest bytea NOT NULL, answer bytea NOT NULL
);
CREATE TABLE orders.sagas (
    id uuid PRIMARY KEY, step int NOT NULL, due_at timestamptz
) WITH (fillfactor = 70);

CREATE TABLE inventory.items (
    sku int PRIMARY KEY, available bigint NOT NULL, reserved bigint NOT NULL, CHECK (available >= 0 AND reserved >= 0)
) WITH (fillfactor = 50);
INSERT INTO inventory.items SELECT n, 1000000000000, 0 FROM generate_series(0, 999) n;
CREATE TABLE inventory.reservations (
    order_id uuid PRIMARY KEY, sku int NOT NULL, quantity int NOT NULL, status text NOT NULL
);
CREATE TABLE payments.payments (
    id uuid PRIMARY KEY, order_id uuid NOT NULL, amount bigint NOT NULL, status text NOT NULL, reference text NOT NULL
);
CREATE TABLE shipping.shipments (
    id uuid PRIMARY KEY, order_id uuid NOT NULL, status text NOT NULL, ship_to text NOT NULL
);

-- Alike in every service: what is owed to the broker, and which messages were handled.
CREATE TABLE orders.outbox (
    order_id uuid NOT NULL, step int NOT NULL, id uuid NOT NULL, topic text NOT NULL, type text NOT NULL,
    traceparent text, payload text NOT NULL, time timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (order_id, step)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE inventory.outbox (LIKE orders.outbox INCLUDING ALL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE payments.outbox (LIKE orders.outbox INCLUDING ALL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE shipping.outbox (LIKE orders.outbox INCLUDING ALL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE orders.inbox (id uuid PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE inventory.inbox (id uuid PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now(), reply text);
CREATE TABLE payments.inbox (id uuid PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now(), reply text);
CREATE TABLE shipping.inbox (id uuid PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now(), reply text);

-- Ids that grow, as the suite's do: the batch, then the order in it, then what it is the id of.
CREATE OR REPLACE FUNCTION public.id(first bigint, n bigint, kind int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(to_hex(first + n), 16, '0') || lpad(to_hex(kind), 16, '8'))::uuid $$;
