-- One batch of 50 orders through the saga, by set-based statements: seven transactions, each in one round trip, and five
-- deletions by the relay. Nothing but Postgres works: no broker, no services. Run by pgbench with -M prepared.
SELECT nextval('orders.batches') * 50 AS first
\gset

-- T1: fifty orders are accepted.
\startpipeline
BEGIN;
INSERT INTO orders.orders (id, customer, status, total, ship_to)
    SELECT id(:first, n, 0), 'customer-' || n, 'pending', 3998,
        '{"name":"Ada Lovelace","street":"St James Square 12","city":"London","postalCode":"SW1Y 4JH","country":"GB"}' FROM generate_series(0, 49) n;
INSERT INTO orders.lines (order_id, line, sku, quantity, price)
    SELECT id(:first, n, 0), 0, (hashint8(:first + n) & 2147483647) % 1000, 2, 1999 FROM generate_series(0, 49) n;
INSERT INTO orders.keys (key, order_id, digest, answer)
    SELECT 'key-' || (:first + n), id(:first, n, 0),
        '\x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
        '{"id":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","customerId":"customer-1","status":"pending","reason": null,"currency":"EUR","total":{"amount":3998,"currency":"EUR"},"lines":[{"sku":"SKU-1","name":"Lamp","quantity":2,"unitPrice":{"amount":1999,"currency":"EUR"},"total":{"amount":3998,"currency":"EUR"}}],"shipTo":{"name":"Ada Lovelace","street":"St James Square 12","city":"London","postalCode":"SW1Y 4JH","country":"GB"},"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"}' FROM generate_series(0, 49) n;
INSERT INTO orders.sagas (id, step, due_at) SELECT id(:first, n, 0), 1, now() + interval '30 s' FROM generate_series(0, 49) n;
INSERT INTO orders.outbox (order_id, step, id, topic, type, traceparent, payload)
    SELECT id(:first, n, 0), 1, id(:first, n, 1), 'inventory.commands',
        'holdfast.inventory.reserve-stock.v1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","lines":[{"sku":"SKU-1","quantity":2}],"amount":{"amount":3998,"currency":"EUR"},"reference":"builtin-019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071"}' FROM generate_series(0, 49) n;
COMMIT;
\endpipeline

-- T2: their stock is reserved. The rows are locked in the order of their keys.
\startpipeline
BEGIN;
INSERT INTO inventory.inbox (id, reply)
    SELECT id(:first, n, 2),
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","outcome":"succeeded","detail": null}' FROM generate_series(0, 49) n;
SELECT count(*) FROM (SELECT 1 FROM inventory.items
    WHERE sku = ANY (ARRAY(SELECT (hashint8(:first + n) & 2147483647) % 1000 FROM generate_series(0, 49) n))
    ORDER BY sku FOR UPDATE) locked;
UPDATE inventory.items i SET available = available - w.quantity, reserved = reserved + w.quantity
    FROM (SELECT (hashint8(:first + n) & 2147483647) % 1000 AS sku, 2 * count(*) AS quantity FROM generate_series(0, 49) n GROUP BY 1) w
    WHERE i.sku = w.sku;
INSERT INTO inventory.reservations (order_id, sku, quantity, status)
    SELECT id(:first, n, 0), (hashint8(:first + n) & 2147483647) % 1000, 2, 'reserved' FROM generate_series(0, 49) n;
INSERT INTO inventory.outbox (order_id, step, id, topic, type, traceparent, payload)
    SELECT id(:first, n, 0), 2, id(:first, n, 2), 'saga.replies',
        'holdfast.inventory.stock-reserved.v1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","lines":[{"sku":"SKU-1","quantity":2}],"amount":{"amount":3998,"currency":"EUR"},"reference":"builtin-019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071"}' FROM generate_series(0, 49) n;
COMMIT;
\endpipeline

-- The relay of inventory, which has the payloads back.
DELETE FROM inventory.outbox
    WHERE order_id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n)) AND (step = 2)
    RETURNING order_id, id, topic, type, traceparent, payload;

-- T3: the sagas go on.
\startpipeline
BEGIN;
INSERT INTO orders.inbox (id) SELECT id(:first, n, 3) FROM generate_series(0, 49) n;
UPDATE orders.sagas SET step = 2, due_at = now() + interval '30 s'
    WHERE id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n));
INSERT INTO orders.outbox (order_id, step, id, topic, type, traceparent, payload)
    SELECT id(:first, n, 0), 3, id(:first, n, 3), 'payment.commands',
        'holdfast.payment.charge-payment.v1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","lines":[{"sku":"SKU-1","quantity":2}],"amount":{"amount":3998,"currency":"EUR"},"reference":"builtin-019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071"}' FROM generate_series(0, 49) n;
COMMIT;
\endpipeline

-- The relay of orders, which has the payloads back.
DELETE FROM orders.outbox
    WHERE order_id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n)) AND (step = 1 OR step = 3)
    RETURNING order_id, id, topic, type, traceparent, payload;

-- T4: the money is taken.
\startpipeline
BEGIN;
INSERT INTO payments.inbox (id, reply)
    SELECT id(:first, n, 4),
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","outcome":"succeeded","detail": null}' FROM generate_series(0, 49) n;
INSERT INTO payments.payments (id, order_id, amount, status, reference)
    SELECT id(:first, n, 14), id(:first, n, 0), 3998, 'captured', 'builtin-' || (:first + n) FROM generate_series(0, 49) n;
INSERT INTO payments.outbox (order_id, step, id, topic, type, traceparent, payload)
    SELECT id(:first, n, 0), 4, id(:first, n, 4), 'saga.replies',
        'holdfast.payment.payment-charged.v1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","lines":[{"sku":"SKU-1","quantity":2}],"amount":{"amount":3998,"currency":"EUR"},"reference":"builtin-019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071"}' FROM generate_series(0, 49) n;
COMMIT;
\endpipeline

-- The relay of payments, which has the payloads back.
DELETE FROM payments.outbox
    WHERE order_id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n)) AND (step = 4)
    RETURNING order_id, id, topic, type, traceparent, payload;

-- T5: the sagas go on.
\startpipeline
BEGIN;
INSERT INTO orders.inbox (id) SELECT id(:first, n, 5) FROM generate_series(0, 49) n;
UPDATE orders.sagas SET step = 3, due_at = now() + interval '30 s'
    WHERE id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n));
INSERT INTO orders.outbox (order_id, step, id, topic, type, traceparent, payload)
    SELECT id(:first, n, 0), 5, id(:first, n, 5), 'shipping.commands',
        'holdfast.shipping.book-shipment.v1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","lines":[{"sku":"SKU-1","quantity":2}],"amount":{"amount":3998,"currency":"EUR"},"reference":"builtin-019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071"}' FROM generate_series(0, 49) n;
COMMIT;
\endpipeline

-- T6: the shipments are booked.
\startpipeline
BEGIN;
INSERT INTO shipping.inbox (id, reply)
    SELECT id(:first, n, 6),
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","outcome":"succeeded","detail": null}' FROM generate_series(0, 49) n;
INSERT INTO shipping.shipments (id, order_id, status, ship_to)
    SELECT id(:first, n, 16), id(:first, n, 0), 'booked',
        '{"name":"Ada Lovelace","street":"St James Square 12","city":"London","postalCode":"SW1Y 4JH","country":"GB"}' FROM generate_series(0, 49) n;
INSERT INTO shipping.outbox (order_id, step, id, topic, type, traceparent, payload)
    SELECT id(:first, n, 0), 6, id(:first, n, 6), 'saga.replies',
        'holdfast.shipping.shipment-booked.v1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","lines":[{"sku":"SKU-1","quantity":2}],"amount":{"amount":3998,"currency":"EUR"},"reference":"builtin-019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071"}' FROM generate_series(0, 49) n;
COMMIT;
\endpipeline

-- The relay of shipping, which has the payloads back.
DELETE FROM shipping.outbox
    WHERE order_id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n)) AND (step = 6)
    RETURNING order_id, id, topic, type, traceparent, payload;

-- T7: the orders are confirmed.
\startpipeline
BEGIN;
INSERT INTO orders.inbox (id) SELECT id(:first, n, 7) FROM generate_series(0, 49) n;
UPDATE orders.sagas SET step = 4, due_at = NULL
    WHERE id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n));
UPDATE orders.orders SET status = 'confirmed'
    WHERE id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n));
INSERT INTO orders.outbox (order_id, step, id, topic, type, traceparent, payload)
    SELECT id(:first, n, 0), 7, id(:first, n, 7), 'order.events',
        'holdfast.order.order-confirmed.v1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        '{"orderId":"019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071","lines":[{"sku":"SKU-1","quantity":2}],"amount":{"amount":3998,"currency":"EUR"},"reference":"builtin-019ab3c4-d5e6-7f01-8a1b-2c3d4e5f6071"}' FROM generate_series(0, 49) n;
COMMIT;
\endpipeline

-- The relay of orders, which has the payloads back.
DELETE FROM orders.outbox
    WHERE order_id = ANY (ARRAY(SELECT id(:first, n, 0) FROM generate_series(0, 49) n)) AND (step = 5 OR step = 7)
    RETURNING order_id, id, topic, type, traceparent, payload;
