-- Who names a blob: a run by its id, a plan by its hash; nobody knows who has named what came before.
CREATE TABLE blob_use (
    name TEXT NOT NULL,
    user BLOB NOT NULL,
    PRIMARY KEY (name, user)
) WITHOUT ROWID;
CREATE INDEX blob_use_user ON blob_use (user);
INSERT INTO blob_use (name, user) SELECT name, x'' FROM blob;
CREATE INDEX revision_content ON revision (content);
CREATE INDEX run_plan ON run (plan);

-- Runs that were taken away, as long as something of theirs is left.
CREATE TABLE gone (
    run BLOB PRIMARY KEY,
    plan TEXT NOT NULL
) WITHOUT ROWID;
