"""The unit and the container file that run a relay: what can be checked of them without a service manager."""

from __future__ import annotations

import re
import sys

import pytest

from fake_platform import command
from tools import ROOT, need, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of Unix")

RELAY = ROOT / "packaging" / "relay"


def test_systemd_reads_the_unit_without_a_complaint(tmp_path):
    unit = tmp_path / "taskbell-relay.service"
    text = (RELAY / unit.name).read_text()
    assert "ExecStart=/usr/bin/taskbell relay /etc/taskbell/relay.toml\n" in text
    unit.write_text(text.replace("/usr/bin/taskbell", str(command())))
    said = run(need("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", unit)
    assert said == ""


def test_the_container_file_copies_and_runs_what_an_archive_has():
    lines = (RELAY / "Containerfile").read_text().replace("\\\n", "").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    names = [name for name, _ in steps]
    assert names == ["FROM", "RUN", "COPY", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT"]
    said = dict(steps)
    source, target = said["COPY"].split()
    assert source == "bin/taskbell"
    user = said["USER"]
    assert re.search(rf"useradd --system --home-dir {said['VOLUME']} --create-home {user}$", said["RUN"])
    assert said["ENTRYPOINT"] == f'["{target}", "relay", "/etc/taskbell/relay.toml"]'
