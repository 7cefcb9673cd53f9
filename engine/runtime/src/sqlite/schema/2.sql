-- What the programs of stages printed: how much there is of each attempt, and the chunks that are kept.
CREATE TABLE stage_log (
    run BLOB NOT NULL,
    stage TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    next INTEGER NOT NULL,
    extent TEXT NOT NULL,
    PRIMARY KEY (run, stage, attempt)
) WITHOUT ROWID;

CREATE TABLE stage_log_chunk (
    run BLOB NOT NULL,
    stage TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    lines TEXT NOT NULL,
    PRIMARY KEY (run, stage, attempt, seq)
);
