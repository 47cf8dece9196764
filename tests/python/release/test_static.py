"""The static library of the archive: every usual build system links it, and it shows its functions alone."""

from __future__ import annotations

import json

import pytest
from packages import HERE, ROOT, package, unpacked, user, version
from projects import CMAKE, MAKE, MESON, C, run_both

from tools import need, run

LIBRARIES = "$(shell pkg-config --static --libs taskbell | sed s/-ltaskbell/-l:libtaskbell.a/)"

STRANGER = """
#include <stdlib.h>
/* What other libraries in a host are called, and what Rust libraries bring along. */
int sqlite3_open(void) { abort(); }
void rust_eh_personality(void) { abort(); }
void *rust_begin_unwind(void) { abort(); }
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The unpacked archive."""
    return unpacked(package(f"taskbell-*-{HERE}.tar.gz"), tmp_path_factory.mktemp("installed"))


def functions():
    """The functions of the ABI."""
    return {
        one["name"] for one in json.loads((ROOT / "include" / "taskbell.abi.json").read_text())["functions"]
    }


def test_only_the_functions_of_the_abi_can_be_seen(tree):
    lines = run(need("nm"), "--defined-only", "--extern-only", tree / "lib" / "libtaskbell.a").splitlines()
    assert {line.split()[-1] for line in lines if len(line.split()) == 3} == functions()


def stands_alone(folder):
    """Neither host loads the shared library."""
    for name in ("abi", "host"):
        assert "taskbell" not in run(need("readelf"), "--dynamic", folder / name)


@pytest.mark.parametrize("way", ["finds", "fetches"])
def test_cmake_links_it(tree, project, tmp_path, receive, way):
    archive = package(f"taskbell-*-{HERE}.tar.gz")
    find = {
        "finds": "find_package(Taskbell CONFIG REQUIRED COMPONENTS static)",
        "fetches": f"include(FetchContent)\nFetchContent_Declare(taskbell URL file://{archive})\nFetchContent_MakeAvailable(taskbell)",
    }[way]
    (project / "CMakeLists.txt").write_text(CMAKE.format(find=find, target="taskbell_static"))
    build = tmp_path / "build"
    env = user(tmp_path / "home")
    run(need("cmake"), "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={tree}", env=env)
    run(need("cmake"), "--build", build, env=env)
    stands_alone(build)
    run_both(tmp_path, build, env, receive)


def test_meson_links_it(tree, project, tmp_path, receive):
    (project / "meson.build").write_text(MESON.format(version=version(), static="true"))
    env = user(tmp_path / "home", PKG_CONFIG_PATH=str(tree / "lib" / "pkgconfig"))
    run(need("meson"), "setup", tmp_path / "build", project, env=env)
    run(need("meson"), "compile", "-C", tmp_path / "build", env=env)
    stands_alone(tmp_path / "build")
    run_both(tmp_path, tmp_path / "build", env, receive)


def test_a_makefile_links_it_by_pkg_config(tree, project, tmp_path, receive):
    (project / "Makefile").write_text(MAKE.format(libraries=LIBRARIES))
    need("pkg-config")
    env = user(tmp_path / "home", PKG_CONFIG_PATH=str(tree / "lib" / "pkgconfig"))
    run(need("make"), "-C", project, env=env)
    stands_alone(project)
    run_both(tmp_path, project, env, receive)


def test_a_program_that_loads_nothing_at_all_delivers(tree, tmp_path, receive):
    env = user(tmp_path / "home", PKG_CONFIG_PATH=str(tree / "lib" / "pkgconfig"))
    flags = run(need("pkg-config"), "--static", "--cflags", "--libs", "taskbell", env=env).split()
    run(need("cc"), "-static", C / "abi.c", *flags, "-o", tmp_path / "abi", env=env)
    assert "(NEEDED)" not in run(need("readelf"), "--dynamic", tmp_path / "abi")
    receiver = receive()
    assert "ok" in run(tmp_path / "abi", receiver.url(), tmp_path / "bell.db", env=env, cwd=tmp_path)
    assert receiver.requests


def test_libraries_of_the_host_with_the_same_parts_are_left_alone(tree, tmp_path, receive):
    (tmp_path / "stranger.c").write_text(STRANGER)
    words = ["-I", tree / "include", C / "abi.c", tmp_path / "stranger.c", tree / "lib" / "libtaskbell.a"]
    run(need("cc"), *words, "-pthread", "-ldl", "-lm", "-o", tmp_path / "abi")
    receiver = receive()
    assert "ok" in run(tmp_path / "abi", receiver.url(), tmp_path / "bell.db", cwd=tmp_path)
    assert receiver.requests
