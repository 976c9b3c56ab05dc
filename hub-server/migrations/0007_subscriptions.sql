-- Who has news sent to an address, how far that came, and what is owed. Primary: no log holds it.
CREATE TABLE subscriptions (
    id            TEXT NOT NULL PRIMARY KEY,
    organisation  TEXT NOT NULL,
    url           TEXT NOT NULL,
    -- Ids, ascending; none: all that the organisation may read.
    datasets      TEXT NOT NULL,
    -- CHANGES, NOTICES.
    kinds         TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    -- Places in the logs of datasets, and number of the last notice, up to which deliveries were made out.
    places        TEXT NOT NULL,
    notice_number BIGINT NOT NULL,
    delivered_at  BIGINT,
    last_error    TEXT NOT NULL
);
CREATE INDEX subscriptions_by_organisation ON subscriptions (organisation, id);

CREATE TABLE deliveries (
    id           TEXT NOT NULL PRIMARY KEY,
    subscription TEXT NOT NULL REFERENCES subscriptions (id),
    -- Order of a subscription's deliveries.
    number       BIGINT NOT NULL,
    body         TEXT NOT NULL,
    made_at      BIGINT NOT NULL,
    tries        BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    -- 1: given up, until it is asked for again.
    dead         BIGINT NOT NULL,
    last_error   TEXT NOT NULL,
    UNIQUE (subscription, number)
);
