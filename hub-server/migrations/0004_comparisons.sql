-- Comparisons of current revisions as they stand: made again when the other side comes or is corrected. Whatever is
-- missing here is made again at the next start.
CREATE TABLE comparisons (
    dataset TEXT NOT NULL,
    publisher TEXT NOT NULL,
    partition_key TEXT NOT NULL,
    -- The submission that made the revision.
    submission TEXT NOT NULL,
    -- JSON: what it was compared with, and by which submission that stood.
    against TEXT NOT NULL,
    -- Findings that the report of the acceptance does not hold.
    late_findings BIGINT NOT NULL,
    -- JSON.
    later TEXT NOT NULL,
    PRIMARY KEY (dataset, publisher, partition_key)
);
CREATE INDEX comparisons_by_submission ON comparisons (submission);
