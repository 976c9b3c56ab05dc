-- That a submission was erased: its row stays, without its report. What has ended otherwise is never erased.
ALTER TABLE submissions ADD COLUMN erased_at BIGINT;
ALTER TABLE submissions ADD COLUMN erased_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE ended ADD COLUMN erased_at BIGINT;
ALTER TABLE ended ADD COLUMN erased_reason TEXT NOT NULL DEFAULT '';
