-- The catalogue. Only TEXT and BIGINT, so that the same statements serve PostgreSQL: days are YYYY-MM-DD, moments are
-- microseconds since 1970 (UTC), lists are JSON, hashes are hexadecimal.

CREATE TABLE organisations (
    id   TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL
);

-- TERC, REGON and NIP are dated attributes; both days are part of the validity, NULL is open.
CREATE TABLE identifiers (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    position     BIGINT NOT NULL,
    scheme       TEXT NOT NULL,
    value        TEXT NOT NULL,
    valid_from   TEXT,
    valid_to     TEXT,
    PRIMARY KEY (organisation, position)
);
CREATE INDEX identifiers_by_scheme ON identifiers (scheme, value);

-- API keys: only their SHA-256 is known here.
CREATE TABLE credentials (
    id           TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    hash         TEXT NOT NULL UNIQUE,
    label        TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX credentials_by_organisation ON credentials (organisation);

-- Projection of the logs: can be lost and made again.
CREATE TABLE submissions (
    id                TEXT NOT NULL PRIMARY KEY,
    caller            TEXT NOT NULL,
    request_id        TEXT NOT NULL,
    publisher         TEXT NOT NULL,
    dataset           TEXT NOT NULL,
    period            TEXT NOT NULL,
    media_type        TEXT NOT NULL,
    state             TEXT NOT NULL,
    reason            TEXT NOT NULL,
    revision          BIGINT NOT NULL,
    dataset_version   BIGINT NOT NULL,
    row_count         BIGINT NOT NULL,
    size              BIGINT NOT NULL,
    sha256            TEXT NOT NULL,
    carried           TEXT NOT NULL,
    dropped           TEXT NOT NULL,
    nothing_to_report BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    ended_at          BIGINT NOT NULL,
    report            TEXT NOT NULL,
    receipt           TEXT NOT NULL
);
CREATE INDEX submissions_by_publisher ON submissions (publisher, created_at, id);
CREATE INDEX submissions_by_time ON submissions (created_at, id);
CREATE INDEX submissions_by_request ON submissions (caller, request_id);

-- How far the projection of each dataset has come.
CREATE TABLE datasets (
    id              TEXT NOT NULL PRIMARY KEY,
    applied_version BIGINT NOT NULL
);

-- Refusals and abandonments stand in no log: this table is their only home.
CREATE TABLE ended (
    id                TEXT NOT NULL PRIMARY KEY,
    caller            TEXT NOT NULL,
    request_id        TEXT NOT NULL,
    publisher         TEXT NOT NULL,
    dataset           TEXT NOT NULL,
    period            TEXT NOT NULL,
    media_type        TEXT NOT NULL,
    state             TEXT NOT NULL,
    reason            TEXT NOT NULL,
    revision          BIGINT NOT NULL,
    dataset_version   BIGINT NOT NULL,
    row_count         BIGINT NOT NULL,
    size              BIGINT NOT NULL,
    sha256            TEXT NOT NULL,
    carried           TEXT NOT NULL,
    dropped           TEXT NOT NULL,
    nothing_to_report BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    ended_at          BIGINT NOT NULL,
    report            TEXT NOT NULL,
    receipt           TEXT NOT NULL
);
CREATE INDEX ended_by_publisher ON ended (publisher, created_at, id);
CREATE INDEX ended_by_time ON ended (created_at, id);
CREATE INDEX ended_by_request ON ended (caller, request_id);
