-- As the owner of the tables and the database, every night: docs/retention.md says why.
\set ON_ERROR_STOP on
-- While it waits for a table that somebody reads, everybody else waits behind it: rather end with an error.
SET lock_timeout = '5s';
VACUUM (FULL, ANALYZE) api_tokens, attempts, beginnings, bodies, bulk_results, ceremonies, code_secrets, commands, deliveries, devices, documents, drafts, grants, hands, holds, incidents, kept_forms, mails, openings, passkeys, passwords, people, proofs, recovery_codes, requests, saved_filters, sessions, signatures, signing_run_items, signing_runs, substitutes, tasks, pg_statistic;
-- Another role only warns that it skipped each table: end with an error, which a timer tells.
DO $$ BEGIN
    IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'people'::regclass), 'USAGE')
        OR NOT pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE')
    THEN
        RAISE EXCEPTION '% does not own the tables and the database: they were not cleaned', current_user;
    END IF;
END $$;
