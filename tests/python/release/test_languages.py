"""The packages of Node.js, Java and Lua in a release: their content; `test_language_packages` runs some."""

from __future__ import annotations

import tarfile
import zipfile

from packages import package, version


def test_the_package_for_npm_has_the_library_of_this_system_and_its_notices():
    with tarfile.open(package(f"taskbell-{version()}.tgz")) as packed:
        names = set(packed.getnames())
    assert {"package/index.cjs", "package/index.mjs", "package/index.d.ts", "package/LICENSE"} <= names
    assert "package/native/linux-x64/libtaskbell.so" in names
    assert "package/native/THIRD-PARTY.md" in names


def test_the_jar_has_the_library_of_this_system_and_its_notices():
    with zipfile.ZipFile(package(f"taskbell-{version()}.jar")) as packed:
        names = set(packed.namelist())
    assert {"linux-x86-64/libtaskbell.so", "META-INF/LICENSE", "META-INF/THIRD-PARTY.md"} <= names
    assert "META-INF/maven/io.github.taskbell/taskbell/pom.xml" in names
    assert package(f"taskbell-{version()}-sources.jar").stat().st_size > 0
    assert package(f"taskbell-{version()}.pom").stat().st_size > 0


def test_the_rock_has_its_sources():
    with zipfile.ZipFile(package(f"taskbell-{version()}-1.src.rock")) as packed:
        assert set(packed.namelist()) == {f"taskbell-{version()}-1.rockspec", "taskbell.zip"}
