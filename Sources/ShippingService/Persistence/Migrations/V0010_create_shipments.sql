-- One shipment an order; a refused booking leaves none.
CREATE TABLE shipments (
    id                uuid        PRIMARY KEY,
    order_id          uuid        NOT NULL UNIQUE,
    status            text        NOT NULL CHECK (status IN ('booked', 'cancelled', 'dispatched', 'delivered')),
    carrier_reference text        NOT NULL,
    ship_to           jsonb       NOT NULL,
    lines             jsonb       NOT NULL,
    due_at            timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
) WITH (fillfactor = 85);

CREATE INDEX shipments_by_age ON shipments (created_at, id);
CREATE INDEX shipments_due ON shipments (due_at) WHERE due_at IS NOT NULL;

-- Orders whose cancellation came before their booking: that booking must do nothing.
CREATE TABLE voided_orders (
    order_id  uuid        PRIMARY KEY,
    voided_at timestamptz NOT NULL DEFAULT now()
);
