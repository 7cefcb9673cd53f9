-- What has arrived. `content` is what it says, `decision` what became of it, once that is known.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    door TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    elapsed INTEGER NOT NULL,
    civil INTEGER NOT NULL,
    content TEXT NOT NULL,
    waits_for TEXT,
    decision TEXT
);
CREATE UNIQUE INDEX delivery_key ON delivery (door, key);
CREATE INDEX delivery_pending ON delivery (id) WHERE decision IS NULL;
CREATE INDEX delivery_age ON delivery (civil);

CREATE TABLE delivery_body (
    delivery INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
);

-- Values under names: where polls go on, what triggers have last accepted, what sources held.
CREATE TABLE mark (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
