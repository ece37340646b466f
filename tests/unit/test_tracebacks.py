"""An exception that ends a process says where and of which kind it was, and repeats no value."""

import sqlite3

import psycopg
import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from documents.errors import BlobError
from workflow.errors import StoreUnavailable
from workflow.tracebacks import tell_without_values, without_values

SECRET = "Q. Voorbeeld-Geheim"


class Model(BaseModel):
    """Something that quotes what it refuses."""

    number: int


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_message_is_left_out_and_the_place_is_told() -> None:
    told = without_values(raised(ValueError(SECRET)))
    assert SECRET not in told
    assert told.endswith("builtins.ValueError")
    assert "in raised" in told


def test_causes_contexts_groups_and_notes_are_told_without_theirs() -> None:
    inner = raised(KeyError(SECRET), raised(RuntimeError(SECRET)))
    inner.add_note(SECRET)
    group = raised(ExceptionGroup(SECRET, [raised(TypeError(SECRET)), inner]))
    assert SECRET not in without_values(group)
    assert "builtins.TypeError" in without_values(group)
    told = without_values(inner)
    assert SECRET not in told
    assert told.index("builtins.RuntimeError") < told.index("builtins.KeyError")


def test_what_refuses_a_value_does_not_quote_it() -> None:
    with pytest.raises(ValidationError) as refused:
        Model.model_validate({"number": SECRET})
    assert SECRET in str(refused.value)
    assert SECRET not in without_values(refused.value)


def test_what_a_constraint_refuses_is_not_quoted() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (name TEXT PRIMARY KEY)"))
        connection.execute(text("INSERT INTO people VALUES (:name)"), {"name": SECRET})
        with pytest.raises(IntegrityError) as refused:
            connection.execute(text("INSERT INTO people VALUES (:name)"), {"name": SECRET})
    assert SECRET in str(refused.value)
    told = without_values(refused.value)
    assert SECRET not in told
    assert "UNIQUE constraint failed: people.name" in told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(28, "No space left on device", f"/data/{SECRET}"),
            "builtins.OSError: No space left on device",
        ),
        (sqlite3.OperationalError("database is locked"), "sqlite3.OperationalError: database is locked"),
        (psycopg.OperationalError("connection refused"), "OperationalError: connection refused"),
        (psycopg.errors.UniqueViolation(f"Key (name)=({SECRET})"), "psycopg.errors.UniqueViolation"),
        (StoreUnavailable("The disk is full."), "workflow.errors.StoreUnavailable: The disk is full."),
        (BlobError(SECRET), "documents.errors.BlobError (document-blob)"),
    ],
)
def test_what_the_system_says_of_itself_is_told(error: Exception, told: str) -> None:
    assert without_values(raised(error)).endswith(told)
    assert SECRET not in without_values(raised(error))


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert without_values(first).count("ValueError") == 2


def test_the_end_of_a_process_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    error = raised(ValueError(SECRET))
    tell_without_values(type(error), error, None)
    tell_without_values(KeyboardInterrupt, KeyboardInterrupt(), None)
    said = capsys.readouterr().err
    assert said.count("builtins.ValueError") == 1
    assert SECRET not in said
