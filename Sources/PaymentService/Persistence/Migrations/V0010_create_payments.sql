-- One charge an order. Amounts are minor units.
CREATE TABLE payments (
    id                 uuid        PRIMARY KEY,
    order_id           uuid        NOT NULL UNIQUE,
    status             text        NOT NULL CHECK (status IN ('pending', 'captured', 'declined', 'refunded', 'in-doubt')),
    amount             bigint      NOT NULL CHECK (amount > 0),
    currency           text        NOT NULL,
    captured           bigint      NOT NULL DEFAULT 0,
    refunded           bigint      NOT NULL DEFAULT 0,
    token              text        NOT NULL,
    provider_reference text,
    attempts           integer     NOT NULL,
    reason             text,
    charge_command     uuid,
    refund_command     uuid,
    due_at             timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CONSTRAINT money_at_most_once CHECK (
        captured IN (0, amount) AND refunded IN (0, captured)
        AND (status IN ('captured', 'refunded')) = (captured = amount)
        AND (status = 'refunded') = (refunded = amount))
) WITH (fillfactor = 85);

CREATE INDEX payments_by_age ON payments (created_at, id);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;

-- Orders whose refund came before their charge: that charge must do nothing.
CREATE TABLE voided_orders (
    order_id  uuid        PRIMARY KEY,
    voided_at timestamptz NOT NULL DEFAULT now()
);
