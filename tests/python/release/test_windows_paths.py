"""Where files of Windows may be, under Wine: other letters, long paths, shares, line ends of Notepad."""

from __future__ import annotations

import json

import pytest

from bells import query, settings


@pytest.fixture
def send(tree, wine, tmp_path, receive):
    """Sends an event by the command with a spool at this path, and returns what the command lists."""
    receiver = receive()

    def send(path, cwd=tmp_path):
        config = settings(tmp_path, receiver.url())
        config["spool"]["path"] = path
        (tmp_path / "taskbell.json").write_text(json.dumps(config))
        command = tree / "bin" / "taskbell.exe"
        file = f"Z:{tmp_path}/taskbell.json"
        assert "delivered" in wine(command, "send", file, "test.event", "{}", cwd=cwd)
        receiver.wait_for(1)
        return wine(command, "list", file, cwd=cwd)

    return send


def delivered(spool):
    (row,) = query(spool, "SELECT count(*) AS n FROM all_deliveries WHERE state = 'delivered'")
    return row["n"]


def test_a_path_with_other_letters_and_spaces(send, tmp_path):
    folder = tmp_path / "Пакет дисков ü 雪"
    folder.mkdir()
    assert "1 delivered, 0 dead" in send(f"Z:{folder}/колокол.db".replace("/", "\\"))
    assert delivered(folder / "колокол.db") == 1


@pytest.mark.parametrize("prefix", ["", "\\\\?\\"])
def test_a_path_that_is_longer_than_260_characters(send, tmp_path, prefix):
    folder = tmp_path / ("a" * 120) / ("b" * 120) / ("c" * 60)
    folder.mkdir(parents=True)
    assert "1 delivered, 0 dead" in send(prefix + f"Z:{folder}/bell.db".replace("/", "\\"))
    assert delivered(folder / "bell.db") == 1


def test_a_path_on_a_share(send, wine, tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    server = wine.prefix / "dosdevices" / "unc" / "server"
    server.mkdir(parents=True, exist_ok=True)
    (server / tmp_path.name).symlink_to(share)
    assert "1 delivered, 0 dead" in send(f"\\\\server\\{tmp_path.name}\\bell.db")
    assert delivered(share / "bell.db") == 1


def test_the_case_of_a_path_does_not_matter(send, tmp_path):
    (tmp_path / "Spools").mkdir()
    assert "1 delivered, 0 dead" in send(f"z:{tmp_path}/SPOOLS/bell.db")
    assert delivered(tmp_path / "Spools" / "bell.db") == 1


def test_a_configuration_with_the_line_ends_and_the_mark_of_notepad(tree, wine, tmp_path, receive):
    receiver = receive()
    lines = [
        "[spool]",
        "path = 'bell.db'",
        "[endpoints.e0]",
        "platform = 'json'",
        f"url = '{receiver.url()}'",
        "[[hooks]]",
        "on = ['test.*']",
        "to = ['e0']",
        "",
    ]
    (tmp_path / "taskbell.toml").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    command = tree / "bin" / "taskbell.exe"
    assert "fine" in wine(command, "check", "taskbell.toml", cwd=tmp_path)
    assert "delivered" in wine(command, "send", "taskbell.toml", "test.event", "{}", cwd=tmp_path)
    receiver.wait_for(1)


def test_a_spool_without_a_path_is_in_the_local_application_data(tree, wine, tmp_path, receive):
    """Wine sets the variable by itself, so that the folder is the one of its user."""
    receiver = receive()
    config = settings(tmp_path, receiver.url())
    del config["spool"]["path"]
    (tmp_path / "taskbell.json").write_text(json.dumps(config))
    command = tree / "bin" / "taskbell.exe"
    assert "delivered" in wine(command, "send", "taskbell.json", "test.event", "{}", cwd=tmp_path)
    receiver.wait_for(1)
    users = wine.prefix / "drive_c" / "users"
    (spool,) = users.glob("*/AppData/Local/taskbell/taskbell-*.db")
    assert delivered(spool) == 1
