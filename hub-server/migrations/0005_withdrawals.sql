-- The submission that this one takes back; empty: none.
ALTER TABLE submissions ADD COLUMN withdraws TEXT NOT NULL DEFAULT '';
ALTER TABLE ended ADD COLUMN withdraws TEXT NOT NULL DEFAULT '';
