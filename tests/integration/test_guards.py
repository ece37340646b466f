"""A trigger, an index, a key or a check that is gone, weakened or added is named, before it is missed."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.databases import Database, intruder, only_postgresql, only_sqlite
from tests.declare_guards import text_of
from workflow.guards import DECLARED, differences, guards_of, lone_rows
from workflow.store import Store


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    with closing(Store.open(tmp_path, database.environ)) as store:
        yield store


def told(store: Store) -> list[str]:
    with store.read() as session:
        return [one.message for one in differences(session)]


def harm(store: Store, statements: Sequence[str]) -> None:
    with intruder(store, guarded=True) as other:
        for statement in statements:
            other.execute(statement)


@only_postgresql
def test_the_file_says_what_the_migrations_make(store: Store) -> None:
    with store.read() as session:
        made = text_of(guards_of(session.connection()))
    assert DECLARED.read_text(encoding="utf-8") == made, "run: python -m tests.declare_guards"


REWRITE = "UPDATE sqlite_master SET sql = replace(sql, {}) WHERE name = '{}'"
ON_SQLITE = {
    ("DROP TRIGGER events_no_update",): "The trigger events_no_update of events is missing.",
    (
        "DROP TRIGGER bodies_no_delete",
        "CREATE TRIGGER bodies_no_delete BEFORE DELETE ON bodies BEGIN SELECT 1; END",
    ): "The trigger bodies_no_delete of bodies is not as this release makes it.",
    (
        "CREATE TRIGGER helper AFTER INSERT ON events BEGIN DELETE FROM grants; END",
    ): "There is a trigger helper of events, which this release does not make.",
    ("DROP INDEX uq_tasks_open",): "The unique index uq_tasks_open of tasks is missing.",
    (
        "DROP INDEX uq_tasks_open",
        "CREATE INDEX uq_tasks_open ON tasks (request_id) WHERE closed_at IS NULL",
    ): "The unique index uq_tasks_open of tasks is missing.",
    ("DROP INDEX ix_tasks_held",): "The index ix_tasks_held of tasks is missing.",
    (
        "PRAGMA writable_schema = ON",
        REWRITE.format("'id = 1', 'id > 0'", "log_head"),
    ): "The constraint ck_log_head_single of log_head is not as this release makes it.",
    (
        "PRAGMA writable_schema = ON",
        REWRITE.format(
            "', \n\tCONSTRAINT fk_bodies_seq FOREIGN KEY(seq) REFERENCES events (seq)', ''", "bodies"
        ),
    ): "The constraint fk_bodies_seq of bodies is missing.",
    (
        "PRAGMA writable_schema = ON",
        REWRITE.format("'hash TEXT NOT NULL', 'hash'", "events"),
    ): "The column hash of events is not as this release makes it.",
    ("DROP TABLE archives",): "The table archives is missing.",
    (
        "PRAGMA writable_schema = ON",
        REWRITE.format(
            "'id = 1)', 'id > 0) /* , CONSTRAINT ck_log_head_single CHECK (id = 1) */'", "log_head"
        ),
    ): "There is a comment comment of log_head, which this release does not make.",
    (
        "PRAGMA writable_schema = ON",
        REWRITE.format("'hash TEXT NOT', 'hash TEXT' || char(160) || 'NOT'", "events"),
    ): "The column hash of events is not as this release makes it.",
    (
        "CREATE TRIGGER helper AFTER INSERT ON holds BEGIN DELETE FROM grants; END",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET name = 'sqlite_zz', sql = replace(sql, 'helper', 'sqlite_zz')"
        " WHERE name = 'helper'",
    ): "There is a trigger sqlite_zz of holds, which this release does not make.",
}
ON_A_SERVER = {
    ("DROP TRIGGER events_no_update ON events",): "The trigger events_no_update of events is missing.",
    (
        "ALTER TABLE bodies DISABLE TRIGGER bodies_no_delete",
    ): "The trigger bodies_no_delete of bodies is not as this release makes it.",
    (
        "ALTER TABLE bodies DISABLE TRIGGER ALL",
    ): "The constraint fk_bodies_seq of bodies is not as this release makes it.",
    (
        "CREATE OR REPLACE FUNCTION paraaf_refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RETURN NEW; END $$",
    ): "The function paraaf_refuse() is not as this release makes it.",
    (
        "ALTER FUNCTION paraaf_append_only() RESET search_path",
    ): "The function paraaf_append_only() is not as this release makes it.",
    (
        "CREATE RULE helper AS ON INSERT TO anchors DO INSTEAD NOTHING",
    ): "There is a rule helper of anchors, which this release does not make.",
    ("ALTER TABLE events ENABLE ROW LEVEL SECURITY",): "The table events is not as this release makes it.",
    (
        "CREATE POLICY helper ON events USING (seq > 5)",
    ): "There is a policy helper of events, which this release does not make.",
    ("ALTER TABLE anchors SET UNLOGGED",): "The table anchors is not as this release makes it.",
    ("DROP INDEX uq_tasks_open",): "The unique index uq_tasks_open of tasks is missing.",
    ("DROP INDEX ix_tasks_held",): "The index ix_tasks_held of tasks is missing.",
    (
        "ALTER TABLE signatures DROP CONSTRAINT uq_signatures_document_id_field",
    ): "The constraint uq_signatures_document_id_field of signatures is missing.",
    (
        "ALTER TABLE log_head DROP CONSTRAINT ck_log_head_single",
        "ALTER TABLE log_head ADD CONSTRAINT ck_log_head_single CHECK (id > 0)",
    ): "The constraint ck_log_head_single of log_head is not as this release makes it.",
    (
        'ALTER TABLE events ALTER type TYPE text COLLATE "C"',
    ): "The column type of events is not as this release makes it.",
    (
        "ALTER TABLE events ALTER hash DROP NOT NULL",
    ): "The column hash of events is not as this release makes it.",
}


@only_sqlite
@pytest.mark.parametrize("statements", ON_SQLITE)
def test_a_guard_of_a_file_that_is_not_ours_is_named(store: Store, statements: Sequence[str]) -> None:
    assert told(store) == []
    harm(store, statements)
    assert ON_SQLITE[tuple(statements)] in told(store)


@only_postgresql
@pytest.mark.parametrize("statements", ON_A_SERVER)
def test_a_guard_of_a_server_that_is_not_ours_is_named(store: Store, statements: Sequence[str]) -> None:
    harm(store, statements)
    assert ON_A_SERVER[tuple(statements)] in told(store)


def test_what_an_office_adds_for_speed_or_for_itself_is_its_own(store: Store) -> None:
    harm(store, ["CREATE TABLE reports (id int)", "CREATE INDEX own_index ON events (type)"])
    assert told(store) == []


def test_a_row_that_refers_to_none_is_counted(store: Store) -> None:
    with store.read() as session:
        assert list(lone_rows(session)) == []
    with intruder(store, guarded=False) as other:
        for person in "ab":
            other.execute(
                "INSERT INTO hands (request_id, rule, person_id, state) VALUES (7, 'a|b', ?, 'a')", (person,)
            )
    with store.read() as session:
        assert list(lone_rows(session)) == [
            "Rows of hands that refer to a row of people that is not there: 2.",
            "Rows of hands that refer to a row of requests that is not there: 2.",
        ]
