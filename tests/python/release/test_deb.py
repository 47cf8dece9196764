"""The Debian package: dpkg unpacks it into a root of its own, and it works there."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from packages import HERE, ROOT, package, user, version

from bells import settings
from tools import need, run

MULTIARCH = HERE.replace("unknown-", "")


@pytest.fixture(scope="module")
def deb():
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    return package(f"taskbell_*_{architecture}.deb")


@pytest.fixture
def root(tmp_path, deb):
    """A root with the package in it, as dpkg has it in its list."""
    root = tmp_path / "root"
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    options = [
        "--force-depends",
        "--force-not-root",
        "--force-script-chrootless",
        "--no-triggers",
        "--log=/dev/null",
    ]
    run(need("dpkg"), f"--root={root}", *options, "--install", deb)
    yield root
    run(need("dpkg"), f"--root={root}", *options, "--purge", "taskbell")
    left = (
        [path for path in (root / "usr").rglob("*") if not path.is_dir()] if (root / "usr").exists() else []
    )
    assert left == [], "a removal leaves nothing behind"


def test_dpkg_reads_what_the_package_is(deb):
    fields = run(need("dpkg-deb"), "--field", deb)
    assert f"Package: taskbell\nVersion: {version()}\n" in fields
    assert "Depends: libc6 (>= 2." in fields
    listed = run(need("dpkg-deb"), "--contents", deb)
    assert "./usr/bin/taskbell" in listed
    assert " root/root " in listed


def test_a_host_is_built_from_the_installed_package_and_delivers(root, tmp_path, receive):
    include, lib = root / "usr/include", root / "usr/lib" / MULTIARCH
    config = {"PKG_CONFIG_LIBDIR": str(lib / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(root)}
    flags = run(
        need("pkg-config"), "--cflags", "--libs", "taskbell", env=user(tmp_path / "home", **config)
    ).split()
    if "-I" + str(include) not in flags:
        # pkg-config leaves out what compilers search by themselves; in this root they do not.
        flags += [f"-I{include}", f"-L{lib}"]
    for name in ("abi.c", "check.h"):
        shutil.copy(ROOT / "tests" / "c" / name, tmp_path / name)
    run(need("cc"), tmp_path / "abi.c", *flags, "-pthread", "-o", tmp_path / "abi")
    receiver = receive()
    env = user(tmp_path / "home", LD_LIBRARY_PATH=str(lib))
    assert "ok" in run(tmp_path / "abi", receiver.url(), tmp_path / "bell.db", env=env, cwd=tmp_path)
    assert receiver.requests


def test_the_installed_command_sends_a_message_and_has_its_pages(root, tmp_path, receive):
    receiver = receive()
    config = tmp_path / "taskbell.json"
    config.write_text(json.dumps(settings(tmp_path, receiver.url())))
    run(root / "usr/bin/taskbell", "send", config, "test.event", "{}", env=user(tmp_path / "home"))
    receiver.wait_for(1)
    for page in (
        "man/man1/taskbell-run.1",
        "man/man1/taskbell-relay.1",
        "taskbell/relay/Containerfile",
        "bash-completion/completions/taskbell",
        "zsh/vendor-completions/_taskbell",
    ):
        assert (root / "usr/share" / page).is_file()
    assert (root / "usr/lib/systemd/system/taskbell-relay.service").is_file()
    run(
        need("bash"), "-c", f". {root}/usr/share/bash-completion/completions/taskbell && complete -p taskbell"
    )
