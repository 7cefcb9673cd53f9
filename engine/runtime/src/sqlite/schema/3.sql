-- What a claimant is to the others: how many it admits beside it, its rank, who waits for its end.
ALTER TABLE claim ADD COLUMN standing TEXT NOT NULL DEFAULT '{}';
ALTER TABLE waiter ADD COLUMN standing TEXT NOT NULL DEFAULT '{}';
CREATE INDEX waiter_run ON waiter (run);
