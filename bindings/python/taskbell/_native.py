"""The C functions of ``taskbell.h`` through ctypes: finding the library, types, errors, text buffers."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
import sysconfig
import threading
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

ABI_VERSION = 1
"""The C ABI that this package uses."""

OK = 0
CODES = {
    1: "INVALID_ARGUMENT",
    2: "INVALID_JSON",
    3: "TOO_LARGE",
    4: "QUEUE_FULL",
    5: "CLOSED",
    6: "CONFIG",
    7: "TIMEOUT",
    8: "SPOOL",
    9: "FORKED",
    10: "BUFFER_TOO_SMALL",
    11: "SIGNATURE",
    12: "PANIC",
    13: "NOT_FOUND",
}
CLOSED, CONFIG, TIMEOUT, FORKED, BUFFER_TOO_SMALL, SIGNATURE, NOT_FOUND = 5, 6, 7, 9, 10, 11, 13
"""The codes that this package looks at."""

LogFunction = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
"""``taskbell_log_fn``: userdata, level, message in UTF-8."""

_TEXT_OUT = [c_void_p, c_size_t, POINTER(c_size_t)]

PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "on_task_complete": (c_int32, [c_char_p]),
    "on_queue_end": (c_int32, [c_char_p]),
    "taskbell_init": (c_int32, [c_char_p]),
    "taskbell_shutdown": (c_int32, [c_uint32]),
    "taskbell_open": (c_int32, [c_char_p, POINTER(c_void_p)]),
    "taskbell_close": (c_int32, [c_void_p, c_uint32, POINTER(c_uint64)]),
    "taskbell_reload": (c_int32, [c_void_p, c_char_p]),
    "taskbell_emit": (c_int32, [c_void_p, c_char_p, c_char_p, c_size_t, POINTER(c_uint64)]),
    "taskbell_metric": (c_int32, [c_void_p, c_char_p, c_double]),
    "taskbell_wait": (c_int32, [c_void_p, c_uint64, c_uint32]),
    "taskbell_sync": (c_int32, [c_void_p, c_uint32]),
    "taskbell_flush": (c_int32, [c_void_p, c_uint32]),
    "taskbell_poll": (c_int32, [c_void_p, *_TEXT_OUT]),
    "taskbell_stats": (c_int32, [c_void_p, *_TEXT_OUT]),
    "taskbell_set_log": (c_int32, [c_void_p, LogFunction, c_void_p]),
    "taskbell_check": (c_int32, [c_char_p, *_TEXT_OUT]),
    "taskbell_preview": (c_int32, [c_char_p, c_char_p, c_char_p, *_TEXT_OUT]),
    "taskbell_verify": (c_int32, [c_char_p, c_char_p, c_char_p, c_size_t, c_uint64]),
    "taskbell_last_error": (c_int32, _TEXT_OUT),
    "taskbell_abi_version": (c_uint32, []),
    "taskbell_version": (c_char_p, []),
}
"""Result and argument types of every function of the header."""


class TaskbellError(Exception):
    """A call that did not return ``TASKBELL_OK``.

    ``code`` is the number of the C header, ``name`` its name without ``TASKBELL_ERR_``, ``message``
    the library's own words.
    """

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}" if message else name)
        self.code = code
        self.name = name
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        # A pool of processes passes it on; the default would call the class with the text alone.
        return type(self), (self.code, self.name, self.message)


def error_name(code: int) -> str:
    """The name of a status code; the number for an unknown one of a newer library."""
    return CODES.get(code, f"ERROR_{code}")


def _file_name() -> str:
    if sys.platform == "win32":
        return "taskbell.dll"
    return "libtaskbell.dylib" if sys.platform == "darwin" else "libtaskbell.so"


def _system() -> str:
    """The folder of this system in a package for several: as .NET names it."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine()
    )
    if sys.platform == "win32":
        return f"win-{machine}"
    if sys.platform == "darwin":
        return f"osx-{machine}"
    musl = "musl" in str(sysconfig.get_config_var("SOABI"))
    return f"linux-musl-{machine}" if musl else f"linux-{machine}"


def _place() -> str:
    """Where the library is: as ``TASKBELL_LIBRARY`` says, in this package, or where the system looks."""
    named = os.environ.get("TASKBELL_LIBRARY")
    if named:
        return named
    here = Path(__file__).parent
    beside = (here / _file_name(), here / "native" / _system() / _file_name())
    return next((str(path) for path in beside if path.exists()), _file_name())


def _why(where: str, fault: Exception) -> str:
    """What is wrong with a library that cannot be loaded, and what to do."""
    text = str(fault)
    if needed := re.search(r"GLIBC_([0-9.]+)", text):
        return (
            f"it needs glibc {needed.group(1)}, and this system has {platform.libc_ver()[1] or 'another'}: "
            "install a build for older systems, as `pip install taskbell` does"
        )
    if isinstance(fault, AttributeError):
        return f"it lacks a function ({text}): install a library and a package of the same release"
    # The loader of Linux passes over a file for another processor, and then says that there is none.
    passed_over = Path(where).exists() and text.startswith(where) and "No such file" in text
    if passed_over or re.search(r"ELF|wrong architecture|mach-o|WinError 193|file too short", text):
        return (
            f"it is no library for this system, which is {_system()} ({text}): "
            "install the package again on this system"
        )
    inside = f"put {_file_name()} into {Path(__file__).parent}"
    if os.sep in where and not Path(where).exists():
        return f"there is no such file: set TASKBELL_LIBRARY to the path of the library, or {inside}"
    return f"{text}: set TASKBELL_LIBRARY to the path of the library, or {inside}"


def _load() -> ctypes.CDLL:
    where = _place()
    try:
        library = ctypes.CDLL(where)
        for name, (result, arguments) in PROTOTYPES.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as fault:
        raise ImportError(f"cannot load the Taskbell library from {where!r}: {_why(where, fault)}") from fault
    found = library.taskbell_abi_version()
    if found != ABI_VERSION:
        raise ImportError(
            f"{where!r} has ABI version {found}, this package needs {ABI_VERSION}: "
            "install a library and a package of the same release"
        )
    return library


_library: ctypes.CDLL | None = None
_loading = threading.Lock()


def library() -> ctypes.CDLL:
    """The loaded library; loads it on first use. Raises ``ImportError`` when that fails."""
    global _library
    if _library is None:
        with _loading:
            if _library is None:
                _library = _load()
    return _library


def _renew_lock() -> None:
    global _loading
    _loading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def text_out(function: Any, *arguments: Any) -> tuple[int, str]:
    """Calls a function that writes text into a caller's buffer, with a buffer of the size it needs.

    The text may grow between two calls (statistics do), so this repeats until it fits.
    """
    capacity = 4096
    while True:
        buffer = ctypes.create_string_buffer(capacity)
        needed = c_size_t(0)
        code = function(*arguments, ctypes.cast(buffer, c_void_p), capacity, byref(needed))
        if code != BUFFER_TOO_SMALL:
            return code, buffer.value.decode("utf-8", "replace")
        capacity = max(needed.value, capacity + 1)


def last_error() -> str:
    """The message of this thread's last failure; empty before the first."""
    code, text = text_out(library().taskbell_last_error)
    return text if code == OK else ""


def failure(code: int) -> TaskbellError:
    """The exception for a status code, with the message of this thread's last failure."""
    return TaskbellError(code, error_name(code), last_error())


def check_status(code: int) -> None:
    """Raises unless the code is ``TASKBELL_OK``."""
    if code != OK:
        raise failure(code)
