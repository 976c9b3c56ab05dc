-- What consumers took, and of which corrections they are told. Primary: no log holds it.
CREATE TABLE pulls (
    -- SHA-256 of reader, dataset, columns and filter.
    id        TEXT NOT NULL PRIMARY KEY,
    reader    TEXT NOT NULL,
    dataset   TEXT NOT NULL,
    -- Columns of the pattern, ascending.
    columns   TEXT NOT NULL,
    -- SQL row expression; empty: all rows.
    filter    TEXT NOT NULL,
    -- The newest dataset version that was taken, and its place in the order of commits.
    version   BIGINT NOT NULL,
    place     TEXT NOT NULL,
    taken_at  BIGINT NOT NULL
);
CREATE INDEX pulls_by_reader ON pulls (reader, dataset);
CREATE INDEX pulls_by_version ON pulls (dataset, version);

CREATE TABLE notices (
    id             TEXT NOT NULL PRIMARY KEY,
    -- Order in which they were made.
    number         BIGINT NOT NULL UNIQUE,
    pull           TEXT NOT NULL,
    reader         TEXT NOT NULL,
    dataset        TEXT NOT NULL,
    publisher      TEXT NOT NULL,
    period         TEXT NOT NULL,
    partition_key  TEXT NOT NULL,
    kind           TEXT NOT NULL,
    submission     TEXT NOT NULL,
    -- The deed that it tells of: one notice for each pull and deed.
    cause          TEXT NOT NULL,
    taken_version  BIGINT NOT NULL,
    taken_place    TEXT NOT NULL,
    taken_revision BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    revision       BIGINT NOT NULL,
    committed_at   BIGINT NOT NULL,
    columns        TEXT NOT NULL,
    filter         TEXT NOT NULL,
    -- Rows that differ; NULL: it cannot be told.
    inserted       BIGINT,
    deleted        BIGINT,
    updated        BIGINT,
    state          TEXT NOT NULL,
    note           TEXT NOT NULL,
    made_at        BIGINT NOT NULL,
    settled_at     BIGINT,
    UNIQUE (pull, cause)
);
CREATE INDEX notices_by_reader ON notices (reader, number);

-- Up to which place of each dataset's log corrections were looked at.
CREATE TABLE notice_places (
    dataset TEXT NOT NULL PRIMARY KEY,
    place   TEXT NOT NULL
);
