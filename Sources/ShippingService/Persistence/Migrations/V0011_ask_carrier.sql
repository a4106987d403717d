-- What it takes to find out from a carrier what became of a booking. A booking that is not decided lies here too, but is
-- no shipment yet: 'requested', 'refused' and 'withdrawn' are not shown.
ALTER TABLE shipments
    ALTER COLUMN carrier_reference DROP NOT NULL,
    DROP CONSTRAINT shipments_status_check,
    ADD CONSTRAINT shipments_status_check CHECK (
        status IN ('requested', 'refused', 'withdrawn', 'booked', 'cancelled', 'dispatched', 'delivered')),
    ADD CONSTRAINT shown_has_reference CHECK (
        carrier_reference IS NOT NULL OR status IN ('requested', 'refused', 'withdrawn')),
    ADD COLUMN standing       text    NOT NULL DEFAULT 'accepted' CHECK (standing IN ('unsent', 'sent', 'accepted')),
    ADD COLUMN confirmed      boolean NOT NULL DEFAULT false,
    ADD COLUMN handed_over    boolean NOT NULL DEFAULT false,
    ADD COLUMN cancel_wanted  boolean NOT NULL DEFAULT false,
    ADD COLUMN book_command   uuid,
    ADD COLUMN cancel_command uuid,
    ADD COLUMN postponements  integer NOT NULL DEFAULT 0,
    ADD COLUMN claims         bigint  NOT NULL DEFAULT 0,
    -- Until then whoever has claimed the shipment is left alone; a due time before it says that it became due meanwhile.
    ADD COLUMN claimed_until  timestamptz;

UPDATE shipments SET confirmed = true, handed_over = true
WHERE due_at IS NOT NULL OR status IN ('dispatched', 'delivered');
