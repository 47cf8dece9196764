"""The project of a host in C and one in C++, for every usual build system."""

from __future__ import annotations

import shutil

from packages import ROOT

from tools import run

C = ROOT / "tests" / "c"
FILES = ["abi.c", "check.h", "host.cpp"]

MESON = """project('host', 'c', 'cpp', default_options: ['c_std=c11', 'cpp_std=c++14'])
taskbell = dependency('taskbell', version: '>={version}', static: {static})
threads = dependency('threads')
executable('abi', 'abi.c', dependencies: [taskbell, threads])
executable('host', 'host.cpp', dependencies: [taskbell, threads])
"""

CMAKE = """cmake_minimum_required(VERSION 3.16)
project(host C CXX)
{find}
find_package(Threads REQUIRED)
set(CMAKE_CXX_STANDARD 14)
add_executable(abi abi.c)
target_link_libraries(abi PRIVATE Taskbell::{target} Threads::Threads)
add_executable(host host.cpp)
target_link_libraries(host PRIVATE Taskbell::{target} Threads::Threads)
"""

MAKE = """CFLAGS = $(shell pkg-config --cflags taskbell)
LDLIBS = {libraries} -pthread
CXXFLAGS = $(CFLAGS) -std=c++14
all: abi host
"""


def write(folder):
    """The sources of both hosts."""
    folder.mkdir()
    for name in FILES:
        shutil.copy(C / name, folder / name)
    return folder


def run_both(tmp_path, folder, env, receive):
    """Both hosts deliver to a receiver."""
    for name in ("abi", "host"):
        receiver = receive()
        assert "ok" in run(folder / name, receiver.url(), tmp_path / f"{name}.db", env=env, cwd=tmp_path)
        assert receiver.requests
