-- Submissions are listed by publisher; nothing reads those of all publishers in the order of time.
DROP INDEX submissions_by_time;
DROP INDEX ended_by_time;
