-- As the owner of the tables and the database, every night: docs/retention.md says why.
VACUUM (FULL, ANALYZE) bodies, commands, deliveries, documents, drafts, grants, hands, holds, incidents, people, requests, signatures, substitutes, tasks, pg_statistic;
