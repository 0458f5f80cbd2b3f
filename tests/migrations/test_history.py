"""Up, down and up again; the tables are what the models say; many at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from sms_plugin import migrations
from sms_plugin.errors import ConflictError, InvalidError
from sms_plugin.migrations import append_only, host_include_name
from sms_plugin.models import metadata
from tests.architecture.tree import ROOT
from tests.migrations import schema

# Imports once and forks, so that the four begin together.
FOUR_UPGRADES = """
import os, sys, traceback
import sqlalchemy as sa
from sms_plugin import migrations

children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        try:
            migrations.upgrade(sa.create_engine(sys.argv[1]))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def differences(engine, tables, **options):
    """What Alembic would change to bring the database to these tables."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, **options},
        )
        return compare_metadata(context, tables)


def our_names(name, type_, _parents):
    """Look at the plugin's tables only."""
    if type_ == "index":
        return not (name or "").endswith("_words")
    return type_ != "table" or (
        name.startswith("sms_") and "alembic" not in name and "_words" not in name
    )


def revisions():
    """Every revision from the first to the last."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    found = ScriptDirectory.from_config(config).walk_revisions()
    return [script.revision for script in reversed(list(found))]


def test_an_empty_database_is_brought_to_the_head(engine):
    assert migrations.current(engine) is None

    migrations.upgrade(engine)

    assert migrations.current(engine) == migrations.head() == revisions()[-1]
    assert migrations.complaint(engine) is None
    assert set(metadata.tables) < schema.tables_of(engine)


def test_upgrading_twice_changes_nothing(engine):
    migrations.upgrade(engine)
    before = schema.described(engine)

    migrations.upgrade(engine)

    assert schema.described(engine) == before


def test_alembic_finds_no_difference_to_the_models(engine):
    migrations.upgrade(engine)

    assert differences(engine, metadata, include_name=our_names) == []


def test_the_catalogue_is_what_the_models_would_make(engine):
    """Also what Alembic does not compare: conditions of indexes, lengths, defaults."""
    metadata.create_all(engine)
    wanted = schema.described(engine)
    metadata.drop_all(engine)

    migrations.upgrade(engine)

    assert wanted
    assert schema.described(engine) == wanted


def test_the_way_down_leaves_nothing_and_the_way_up_works_again(engine):
    migrations.upgrade(engine)
    there = schema.described(engine)

    migrations.downgrade(engine, "base")
    gone = schema.tables_of(engine)
    migrations.upgrade(engine)

    assert gone == {migrations.VERSION_TABLE}
    assert schema.described(engine) == there


def test_every_single_step_can_be_taken_back(engine):
    states = [schema.described(engine)]
    for revision in revisions():
        migrations.upgrade(engine, revision)
        states.append(schema.described(engine))
    for revision, state in zip(
        ["base", *revisions()][-2::-1], states[-2::-1], strict=True
    ):
        migrations.downgrade(engine, revision)
        assert schema.described(engine) == state
    assert states[0] == set()


def test_nothing_but_tables_is_left_behind_on_the_way_down(engine):
    if engine.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT proname FROM pg_proc "
            "WHERE pronamespace = current_schema()::regnamespace"
        )
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(query).all()

    migrations.downgrade(engine, "base")

    with engine.connect() as connection:
        assert not connection.exec_driver_sql(query).all()


def test_four_upgrades_at_once_all_end_at_the_head(url, engine):
    ended = subprocess.run(
        [
            *(sys.executable, "-c", FOUR_UPGRADES),
            url.render_as_string(hide_password=False),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert migrations.current(engine) == migrations.head()
    assert differences(engine, metadata, include_name=our_names) == []


def test_a_migration_that_fails_leaves_no_half_of_itself(engine, monkeypatch):
    migrations.upgrade(engine, "0001")
    before = schema.described(engine)

    def fail(table):
        raise RuntimeError(f"no power at {table}")

    with monkeypatch.context() as patch:
        patch.setattr(append_only, "protect", fail)
        with pytest.raises(RuntimeError, match="no power"):
            migrations.upgrade(engine)

    assert migrations.current(engine) == "0001"
    assert schema.described(engine) == before
    migrations.upgrade(engine)
    assert migrations.complaint(engine) is None


def test_tables_that_are_not_ours_are_refused_in_words(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE sms_message (id INTEGER PRIMARY KEY)")

    with pytest.raises(ConflictError, match="sms_message"):
        migrations.upgrade(engine)

    assert schema.tables_of(engine) == {"sms_message"}


def test_a_database_of_a_newer_version_is_named_as_such(engine):
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'"
        )

    words = migrations.complaint(engine)

    assert "9999" in words
    assert "newer version" in words
    with pytest.raises(ConflictError, match="newer version"):
        migrations.upgrade(engine)


def test_a_revision_that_is_none_is_refused_in_words(engine):
    with pytest.raises(InvalidError, match="nonsense"):
        migrations.upgrade(engine, "nonsense")


def test_the_complaint_about_an_empty_database_says_what_to_run(engine):
    assert migrations.complaint(engine) == (
        f"The plugin's tables stand at revision none, and {migrations.head()} is "
        "needed. Run: flask sms db upgrade"
    )


class TestBesideAHost:
    """The host has tables and an Alembic history of its own."""

    @pytest.fixture
    def host(self, engine):
        tables = sa.MetaData()
        sa.Table("patient", tables, sa.Column("id", sa.Integer, primary_key=True))
        sa.Table("smstream", tables, sa.Column("id", sa.Integer, primary_key=True))
        tables.create_all(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
            )
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('host1')")
            connection.exec_driver_sql("INSERT INTO patient VALUES (7)")
        return tables

    def test_its_tables_and_its_history_are_left_alone(self, engine, host):
        before = schema.tables_of(engine)

        migrations.upgrade(engine)
        migrations.downgrade(engine, "base")

        assert schema.tables_of(engine) - {migrations.VERSION_TABLE} == before
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM alembic_version").all()
            assert rows == [("host1",)]
            patients = connection.exec_driver_sql("SELECT id FROM patient").all()
            assert patients == [(7,)]

    def test_its_autogenerate_leaves_us_alone(self, engine, host):
        migrations.upgrade(engine)

        without = differences(engine, host)
        with_filter = differences(engine, host, include_name=host_include_name)

        assert {change[0] for change in without if change} >= {"remove_table"}
        assert with_filter == []

    def test_its_autogenerate_still_sees_the_hosts_own_changes(self, engine, host):
        migrations.upgrade(engine)
        sa.Table("invoice", host, sa.Column("id", sa.Integer, primary_key=True))
        host.remove(host.tables["smstream"])

        found = differences(engine, host, include_name=host_include_name)

        assert sorted(change[0] for change in found) == ["add_table", "remove_table"]


def test_foreign_keys_are_enforced(engine):
    migrations.upgrade(engine)
    with engine.begin() as connection:
        parent = schema.insert_row(connection, "sms_practice")
        schema.insert_row(connection, "sms_phone")

    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sms_phone SET practice_id = 4711")
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sms_practice")
    assert parent
