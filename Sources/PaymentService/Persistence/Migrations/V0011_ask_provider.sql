-- What it takes to find out from a provider what became of a charge.
ALTER TABLE payments
    ADD COLUMN standing      text    NOT NULL DEFAULT 'unsent' CHECK (standing IN ('unsent', 'sent', 'accepted')),
    ADD COLUMN refund_wanted boolean NOT NULL DEFAULT false,
    ADD COLUMN postponements integer NOT NULL DEFAULT 0,
    ADD COLUMN claims        bigint  NOT NULL DEFAULT 0,
    -- Until then whoever has claimed the payment is left alone; a due time before it says that it became due meanwhile.
    ADD COLUMN claimed_until timestamptz;

-- Whether earlier versions had sent the open ones nobody wrote down.
UPDATE payments SET standing = 'sent', refund_wanted = refund_command IS NOT NULL, due_at = statement_timestamp()
WHERE status IN ('pending', 'in-doubt');
