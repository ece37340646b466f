"""The tables of the job queue: on PostgreSQL Procrastinate's own, on SQLite what is used of them."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Procrastinate's own as they were then: an office that is new has the same tables as one that was upgraded.
POSTGRESQL = Path(__file__).with_name("0002_procrastinate_3_10.sql")

# AUTOINCREMENT: a number is never given twice, so no worker or job that is gone is taken for a new one
SQLITE = (
    """CREATE TABLE procrastinate_workers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        last_heartbeat TEXT NOT NULL
    )""",
    """CREATE TABLE procrastinate_jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue_name TEXT NOT NULL,
        task_name TEXT NOT NULL,
        priority INTEGER NOT NULL DEFAULT 0,
        lock TEXT,
        queueing_lock TEXT,
        args TEXT NOT NULL DEFAULT '{}',
        status TEXT NOT NULL DEFAULT 'todo'
            CHECK (status IN ('todo', 'doing', 'succeeded', 'failed', 'cancelled', 'aborted')),
        scheduled_at TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        abort_requested INTEGER NOT NULL DEFAULT 0,
        worker_id INTEGER REFERENCES procrastinate_workers (id) ON DELETE SET NULL,
        status_at TEXT NOT NULL
    )""",
    """CREATE TABLE procrastinate_periodic_defers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        task_name TEXT NOT NULL,
        periodic_id TEXT NOT NULL DEFAULT '',
        defer_timestamp INTEGER,
        job_id INTEGER REFERENCES procrastinate_jobs (id) ON DELETE SET NULL,
        CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp)
    )""",
    "CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1"
    " ON procrastinate_jobs (queueing_lock) WHERE status = 'todo' AND queueing_lock IS NOT NULL",
    "CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1"
    " ON procrastinate_jobs (lock) WHERE status = 'doing' AND lock IS NOT NULL",
    "CREATE INDEX procrastinate_jobs_id_lock_idx_v1"
    " ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing') AND lock IS NOT NULL",
    "CREATE INDEX procrastinate_jobs_priority_idx_v1"
    " ON procrastinate_jobs (priority DESC, id) WHERE status = 'todo'",
    "CREATE INDEX procrastinate_jobs_doing_idx_v1 ON procrastinate_jobs (worker_id) WHERE status = 'doing'",
    "CREATE INDEX procrastinate_jobs_worker_idx_v1 ON procrastinate_jobs (worker_id)",
    "CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON procrastinate_periodic_defers (job_id)",
)


def upgrade() -> None:
    """Make the tables of the queue."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # the driver itself takes many statements at once, as long as there are no parameters
        connection.connection.cursor().execute(POSTGRESQL.read_text(encoding="utf-8"))
        return
    for statement in SQLITE:
        connection.exec_driver_sql(statement)
