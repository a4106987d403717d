-- The catalogue and its stock. The check is the promise: nothing is oversold and nothing leaks, whatever the code does.
CREATE TABLE items (
    sku                 text        PRIMARY KEY COLLATE "C",
    name                text        NOT NULL,
    unit_price_amount   bigint      NOT NULL CHECK (unit_price_amount > 0),
    unit_price_currency text        NOT NULL,
    received            bigint      NOT NULL DEFAULT 0,
    available           bigint      NOT NULL DEFAULT 0,
    reserved            bigint      NOT NULL DEFAULT 0,
    shipped             bigint      NOT NULL DEFAULT 0,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_conserved CHECK (
        received = available + reserved + shipped AND available >= 0 AND reserved >= 0 AND shipped >= 0)
) WITH (fillfactor = 50);

-- What each order was promised. Kept as long as its order.
CREATE TABLE reservations (
    order_id   uuid        PRIMARY KEY,
    status     text        NOT NULL CHECK (status IN ('reserved', 'shipped', 'released')),
    lines      jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);

-- Orders whose release came before their reservation: that reservation must do nothing.
CREATE TABLE voided_orders (
    order_id  uuid        PRIMARY KEY,
    voided_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE receipts (
    id         uuid        PRIMARY KEY,
    sku        text        NOT NULL COLLATE "C" REFERENCES items (sku),
    quantity   bigint      NOT NULL CHECK (quantity > 0),
    created_at timestamptz NOT NULL
);
