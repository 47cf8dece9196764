"""The database of a farm next to those that a studio has: the SQL of docs/farm.md on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bells import eventually
from documents import blocks
from postgres import programs
from tools import attempt, need, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")


class StudioCluster:
    """A PostgreSQL with passwords, reached by a socket in its own folder."""

    def __init__(self) -> None:
        self.programs = programs() or Path(need("initdb")).parent
        self.folder = Path(tempfile.mkdtemp(prefix="taskbell-"))
        self.options: dict = {"cwd": self.folder}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            self.options["user"] = "nobody"
            shutil.chown(self.folder, "nobody")
        password = self.folder / "password"
        password.write_text("of the superuser\n")
        password.chmod(0o644)
        data = self.folder / "data"
        words = ["-D", data, "-A", "scram-sha-256", "-U", "postgres", f"--pwfile={password}", "--no-sync"]
        run(self.programs / "initdb", *words, **self.options)
        line = [
            self.programs / "postgres",
            "-D",
            data,
            "-k",
            self.folder,
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
        ]
        self.process = subprocess.Popen(
            [str(word) for word in line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.options
        )
        eventually("an answer", lambda: self.sql("SELECT 1").returncode == 0, 60)

    def sql(
        self,
        text: str,
        role: str = "postgres",
        password: str = "of the superuser",
        database: str = "postgres",
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PGPASSWORD": password, "HOME": str(self.folder)}
        words = [
            "-h",
            self.folder,
            "-U",
            role,
            "-d",
            database,
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            text,
        ]
        return attempt(self.programs / "psql", *words, env=env)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def cluster():
    one = StudioCluster()
    yield one
    one.stop()


def test_the_database_of_a_farm_is_next_to_that_of_the_studio_and_neither_reads_the_other(cluster):
    studio = """
        CREATE ROLE zou LOGIN PASSWORD 'of zou';
        CREATE DATABASE zoudb OWNER zou;
    """
    for statement in studio.split(";")[:-1]:
        assert cluster.sql(statement).returncode == 0
    project = "CREATE TABLE project (name text)"
    assert cluster.sql(project, "zou", "of zou", "zoudb").returncode == 0
    (recipe,) = [block.text for block in blocks("docs/farm.md") if "REVOKE ALL ON DATABASE" in block.text]
    word = "a long random word"
    assert word in recipe
    statements = [line for line in recipe.split(";") if line.strip()]
    for statement in statements:
        done = cluster.sql(statement)
        assert done.returncode == 0, done.stdout
    table = "CREATE TABLE anything (number bigint PRIMARY KEY)"
    done = cluster.sql(table, "taskbell", word, "taskbell")
    assert done.returncode == 0, done.stdout
    refused = cluster.sql("SELECT * FROM project", "taskbell", word, "zoudb")
    assert "permission denied for table project" in refused.stdout
    refused = cluster.sql("SELECT 1", "zou", "of zou", "taskbell")
    assert 'permission denied for database "taskbell"' in refused.stdout
