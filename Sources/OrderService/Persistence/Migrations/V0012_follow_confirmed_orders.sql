-- Up to which number of the feed it was looked whether the goods of confirmed orders arrive; one row, locked by who looks.
CREATE TABLE order_follow_up_mark (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    number  bigint  NOT NULL
) WITH (fillfactor = 10);

-- Confirmed orders whose goods had not arrived in time: the confirmation is said again, less and less often, until they have.
CREATE TABLE order_follow_ups (
    order_id     uuid        PRIMARY KEY,
    confirmed_at timestamptz NOT NULL,
    repeats      integer     NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX order_follow_ups_due ON order_follow_ups (due_at);

-- The mark first: what is numbered behind it is looked at later, and whatever was numbered before it is seen here.
INSERT INTO order_follow_up_mark (number) SELECT last_number FROM order_projection;
INSERT INTO order_follow_ups (order_id, confirmed_at)
SELECT id, updated_at FROM orders WHERE status IN ('confirmed', 'shipped');
