"""The archive for C and C++: hosts are built from the unpacked tree alone, by every usual build system."""

from __future__ import annotations

import json
import re

import pytest
from packages import DIST, HERE, package, paths_of_this_machine, unpacked, user, version
from projects import CMAKE, MAKE, MESON, run_both

from bells import settings
from tools import attempt, need, run


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The unpacked archive, in a folder of another name: it works wherever it is."""
    return unpacked(package(f"taskbell-*-{HERE}.tar.gz"), tmp_path_factory.mktemp("installed"))


def test_the_archive_has_what_hosts_users_and_lawyers_need(tree):
    found = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir()}
    wanted = {
        "bin/taskbell", "lib/libtaskbell.so.1", "lib/libtaskbell.so", "include/taskbell.h",
        "include/taskbell.hpp", "include/taskbell_cpp17.hpp", "include/taskbell.abi.json",
        "lib/libtaskbell.a", "lib/pkgconfig/taskbell.pc",
        "lib/cmake/Taskbell/TaskbellConfig.cmake", "CMakeLists.txt",
        "share/taskbell/python/taskbell/__init__.py", "share/taskbell/csharp/Taskbell.cs",
        "share/man/man1/taskbell.1", "share/man/man1/taskbell-send.1", "share/zsh/site-functions/_taskbell",
        "share/bash-completion/completions/taskbell", "share/fish/vendor_completions.d/taskbell.fish",
        "share/doc/taskbell/LICENSE", "share/doc/taskbell/THIRD-PARTY.md",
        "share/doc/taskbell/taskbell.cdx.json",
    }  # fmt: skip
    assert wanted <= found, wanted - found
    assert not [path for path in found if "__pycache__" in path or path.endswith(".pyc")]


def test_the_library_is_called_by_the_number_of_its_abi(tree):
    lines = run(need("readelf"), "-d", tree / "lib" / "libtaskbell.so")
    assert "[libtaskbell.so.1]" in lines


def test_the_library_names_the_oldest_glibc_that_it_runs_on(tree):
    newest = 0
    for name in ("lib/libtaskbell.so.1", "bin/taskbell"):
        names = run(need("readelf"), "--version-info", "--wide", tree / name)
        newest = max(newest, *(int(minor) for minor in re.findall(r"GLIBC_2\.(\d+)", names)))
    print(f"needs glibc 2.{newest}")
    (wheel,) = DIST.glob(f"*manylinux*_{HERE.split('-')[0]}.whl")
    assert int(re.search(r"manylinux_2_(\d+)_", wheel.name).group(1)) == max(newest, 17)


def test_no_path_of_the_building_machine_is_in_what_is_shipped(tree):
    for name in ("lib/libtaskbell.so.1", "lib/libtaskbell.a", "bin/taskbell"):
        assert paths_of_this_machine(tree / name) == []


def test_the_command_is_of_this_version(tree, tmp_path):
    text = run(tree / "bin" / "taskbell", "--version", env=user(tmp_path / "home"))
    assert text.strip() == f"taskbell {version()}"


def test_cmake_finds_the_package(tree, project, tmp_path, receive):
    find = f"find_package(Taskbell {version()} CONFIG REQUIRED)"
    (project / "CMakeLists.txt").write_text(CMAKE.format(find=find, target="taskbell"))
    build = tmp_path / "build"
    env = user(tmp_path / "home")
    run(need("cmake"), "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={tree}", env=env)
    run(need("cmake"), "--build", build, env=env)
    run_both(tmp_path, build, env, receive)


def test_cmake_fetches_the_archive(project, tmp_path, receive):
    archive = package(f"taskbell-*-{HERE}.tar.gz")
    fetch = f"include(FetchContent)\nFetchContent_Declare(taskbell URL file://{archive})\nFetchContent_MakeAvailable(taskbell)"
    (project / "CMakeLists.txt").write_text(CMAKE.format(find=fetch, target="taskbell"))
    build = tmp_path / "build"
    env = user(tmp_path / "home")
    run(need("cmake"), "-S", project, "-B", build, env=env)
    run(need("cmake"), "--build", build, env=env)
    run_both(tmp_path, build, env, receive)


@pytest.mark.parametrize(
    ("words", "options", "answer"),
    [
        ("99.0 CONFIG REQUIRED", [], "version: {version}"),
        (
            "CONFIG REQUIRED",
            ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=riscv64"],
            "this Taskbell is for {here}, and the build is for riscv64; use the archive for that processor",
        ),
        (
            "CONFIG REQUIRED COMPONENTS python",
            [],
            "this Taskbell for {here} has no component python; the components are",
        ),
    ],
)
def test_cmake_says_why_the_package_does_not_serve(tree, project, tmp_path, words, options, answer):
    (project / "CMakeLists.txt").write_text(
        CMAKE.format(find=f"find_package(Taskbell {words})", target="taskbell")
    )
    place = [f"-DCMAKE_PREFIX_PATH={tree}", f"-DTaskbell_DIR={tree}/lib/cmake/Taskbell"]
    env = user(tmp_path / "home")
    refused = attempt(need("cmake"), "-S", project, "-B", tmp_path / "build", *place, *options, env=env)
    assert refused.returncode != 0
    assert answer.format(version=version(), here=HERE) in " ".join(refused.stdout.split())


def test_meson_finds_the_package(tree, project, tmp_path, receive):
    (project / "meson.build").write_text(MESON.format(version=version(), static="false"))
    env = user(tmp_path / "home", PKG_CONFIG_PATH=str(tree / "lib" / "pkgconfig"))
    run(need("meson"), "setup", tmp_path / "build", project, env=env)
    run(need("meson"), "compile", "-C", tmp_path / "build", env=env)
    run_both(tmp_path, tmp_path / "build", env, receive)


def test_a_makefile_finds_the_package_by_pkg_config(tree, project, tmp_path, receive):
    libraries = (
        "-Wl,-rpath,$(shell pkg-config --variable=libdir taskbell) $(shell pkg-config --libs taskbell)"
    )
    (project / "Makefile").write_text(MAKE.format(libraries=libraries))
    need("pkg-config")
    env = user(tmp_path / "home", PKG_CONFIG_PATH=str(tree / "lib" / "pkgconfig"))
    run(need("make"), "-C", project, env=env)
    run_both(tmp_path, project, env, receive)


def test_the_command_of_the_archive_sends_a_message(tree, tmp_path, receive):
    receiver = receive()
    config = tmp_path / "taskbell.json"
    config.write_text(json.dumps(settings(tmp_path, receiver.url())))
    run(
        tree / "bin" / "taskbell",
        "send",
        config,
        "test.event",
        '{"name": "first"}',
        env=user(tmp_path / "home"),
    )
    assert receiver.wait_for(1)[0].json()["type"] == "test.event"


def test_every_page_of_the_manual_can_be_read(tree, tmp_path):
    pages = sorted((tree / "share" / "man" / "man1").iterdir())
    assert len(pages) > 10
    for page in pages:
        text = run(
            need("man"), "--warnings", "--local-file", page, env=user(tmp_path / "home", MANWIDTH="100")
        )
        assert "SYNOPSIS" in text
        assert "warning" not in text


def test_the_parts_list_names_every_part_once(tree):
    document = json.loads((tree / "share/doc/taskbell/taskbell.cdx.json").read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    references = [part["bom-ref"] for part in document["components"]]
    assert len(references) == len(set(references)) > 50
    assert set(document["dependencies"][0]["dependsOn"]) == set(references)
    names = {part["name"] for part in document["components"]}
    assert {"rustls", "ring", "rusqlite", "clap"} <= names
    assert not {"cbindgen", "proptest", "serde_derive"} & names, "what only builds or tests is not in it"
    licences = (tree / "share/doc/taskbell/THIRD-PARTY.md").read_text()
    for part in document["components"]:
        assert f"- {part['name']} {part['version']}: " in licences
        assert part["licenses"][0]["expression"]
