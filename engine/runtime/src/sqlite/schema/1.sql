-- One row: what is drawn in order. `position` is that of the newest log row.
CREATE TABLE counters (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    ticket INTEGER NOT NULL,
    input INTEGER NOT NULL,
    epoch INTEGER NOT NULL
);
INSERT INTO counters VALUES (1, 0, 0, 0, 0);

-- Counters that come with their subject: numbers of a pipeline's runs, numbers of a target's revisions.
CREATE TABLE number (
    subject TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE lease (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    process_id INTEGER NOT NULL,
    process_started INTEGER NOT NULL,
    pid_namespace TEXT NOT NULL,
    boot TEXT NOT NULL,
    elapsed INTEGER NOT NULL,
    civil INTEGER NOT NULL,
    renewals INTEGER NOT NULL,
    length_ms INTEGER NOT NULL
);

-- A row is one append. Streams are the 16 bytes of a run's id, or 'system'. Rows are appended in the
-- order of their position: the newest are neighbours, whichever run they belong to.
CREATE TABLE log (
    position INTEGER PRIMARY KEY,
    stream BLOB NOT NULL,
    n INTEGER NOT NULL,
    elapsed INTEGER NOT NULL,
    civil INTEGER NOT NULL,
    events TEXT NOT NULL
);
CREATE UNIQUE INDEX log_stream ON log (stream, n);

-- The summary row of a run, and the gate of its appends. `finished` is written once, so that the
-- index of the unfinished is left alone by every other update.
CREATE TABLE run (
    id BLOB PRIMARY KEY,
    epoch INTEGER NOT NULL,
    next INTEGER NOT NULL,
    unclean_ends INTEGER NOT NULL,
    format INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    number INTEGER NOT NULL,
    application TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    plan TEXT NOT NULL,
    started_elapsed INTEGER NOT NULL,
    started_civil INTEGER NOT NULL,
    status TEXT NOT NULL,
    ended_elapsed INTEGER,
    ended_civil INTEGER,
    stages INTEGER NOT NULL,
    stages_ended INTEGER NOT NULL,
    stages_failed INTEGER NOT NULL,
    waiting TEXT,
    wake_elapsed INTEGER,
    wake_civil INTEGER
) WITHOUT ROWID;
CREATE INDEX run_unfinished ON run (id) WHERE finished = 0;

-- Requests that were made before: starts by key, inputs by run and key.
CREATE TABLE dedup (
    key TEXT PRIMARY KEY,
    run BLOB NOT NULL,
    input INTEGER,
    at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE claim (
    resource TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    run BLOB NOT NULL,
    PRIMARY KEY (resource, ticket)
) WITHOUT ROWID;

-- `keeps`: the resources that the waiter will not give back before it has this one.
CREATE TABLE waiter (
    resource TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    run BLOB NOT NULL,
    keeps TEXT NOT NULL,
    PRIMARY KEY (resource, ticket)
) WITHOUT ROWID;

-- `resource`: of a grant, which is taken back with it.
CREATE TABLE input (
    id INTEGER PRIMARY KEY,
    run BLOB NOT NULL,
    resource TEXT,
    message TEXT NOT NULL
);
CREATE INDEX input_run ON input (run);

CREATE TABLE revision (
    target TEXT NOT NULL,
    number INTEGER NOT NULL,
    component TEXT NOT NULL,
    run BLOB NOT NULL,
    stage TEXT NOT NULL,
    content TEXT NOT NULL,
    images TEXT NOT NULL,
    origin TEXT NOT NULL,
    proof TEXT NOT NULL,
    elapsed INTEGER NOT NULL,
    civil INTEGER NOT NULL,
    PRIMARY KEY (target, number, component)
) WITHOUT ROWID;
CREATE INDEX revision_run ON revision (run);

CREATE TABLE plan (
    hash TEXT PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE blob (
    name TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
);

CREATE TABLE detail (
    run BLOB NOT NULL,
    stage TEXT NOT NULL,
    text TEXT NOT NULL,
    elapsed INTEGER NOT NULL,
    civil INTEGER NOT NULL,
    PRIMARY KEY (run, stage)
) WITHOUT ROWID;
