-- Whether the stage that brought a set stayed until all of it was ready; of earlier ones nobody knows.
ALTER TABLE revision ADD COLUMN readiness TEXT NOT NULL DEFAULT 'unawaited';

-- When it was said what a trigger has last accepted, in milliseconds; what stands there now is as new
-- as this.
ALTER TABLE mark ADD COLUMN civil INTEGER NOT NULL DEFAULT 0;
UPDATE mark SET civil = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
