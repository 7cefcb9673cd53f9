-- What was posted and left no delivery, by door and reason; and the rows of the stream `system` by age.
CREATE TABLE refusal (
    door TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (door, reason)
) WITHOUT ROWID;
