"""The description of the ABI is that of the header, and every binding has each function with its arguments.

A function that is missing in one language fails by its name; ``WITHOUT`` has what a language does without.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from typing import Any

import pytest

from taskbell import _native
from tools import ROOT, run

DESCRIPTION = json.loads((ROOT / "include" / "taskbell.abi.json").read_text(encoding="utf-8"))
HEADER = (ROOT / "include" / "taskbell.h").read_text(encoding="utf-8")
FUNCTIONS: dict[str, Any] = {function["name"]: function for function in DESCRIPTION["functions"]}

HAS_A_FUNCTION = "its functions may be called from any thread, so the log goes to one"

WITHOUT: dict[str, dict[str, str]] = {
    "csharp": {"taskbell_poll_log": HAS_A_FUNCTION},
    "python": {"taskbell_poll_log": HAS_A_FUNCTION},
    "go": {"taskbell_poll_log": HAS_A_FUNCTION},
    "java": {"taskbell_poll_log": HAS_A_FUNCTION},
}

# Where each language calls the functions.
SOURCES: dict[str, list[str]] = {
    "c": ["tests/c/*.[ch]"],
    "cpp": ["bindings/cpp/*.hpp"],
    "csharp": ["bindings/csharp/*.cs"],
    "python": ["bindings/python/taskbell/*.py"],
    "node": ["bindings/node/lib/*.cjs"],
    "go": [f"bindings/go/{name}.go" for name in ("bell", "calls", "default", "log*", "tools")],
    "java": ["bindings/java/src/main/java/io/github/taskbell/*.java"],
    "lua": ["bindings/lua/native_c.c"],
    "luajit": ["bindings/lua/taskbell/native_ffi.lua"],
}

C_TYPES = {
    "bell": "taskbell_t *",
    "bell out": "taskbell_t **",
    "string": "const char *",
    "bytes": "const char *",
    "text out": "char *",
    "size": "size_t ",
    "size out": "size_t *",
    "u32": "uint32_t ",
    "u64": "uint64_t ",
    "u64 out": "uint64_t *",
    "i32 out": "int32_t *",
    "f64": "double ",
    "log function": "taskbell_log_fn ",
    "pointer": "void *",
}
C_RESULTS = {"status": "int32_t ", "u32": "uint32_t ", "static string": "const char *"}

NODE_TYPES = {
    **C_TYPES,
    "bell": "void *",
    "bell out": "_Out_ void **",
    "bytes": "const uint8_t *",
    "text out": "_Out_ uint8_t *",
    "size out": "_Out_ size_t *",
    "u64 out": "_Out_ uint64_t *",
    "i32 out": "_Out_ int32_t *",
    "log function": "void *",
}

JAVA_TYPES = {
    "bell": "Address ",
    "bell out": "long[] ",
    "string": "byte[] ",
    "bytes": "byte[] ",
    "text out": "Buffer ",
    "size": "Size ",
    "size out": "long[] ",
    "u32": "int ",
    "u64": "long ",
    "u64 out": "long[] ",
    "f64": "double ",
    "log function": "Log ",
    "pointer": "Address ",
}
JAVA_RESULTS = {"status": "int ", "u32": "int ", "static string": "String "}

PYTHON_TYPES: dict[str, Any] = {
    "bell": ctypes.c_void_p,
    "bell out": ctypes.POINTER(ctypes.c_void_p),
    "string": ctypes.c_char_p,
    "bytes": ctypes.c_char_p,
    "text out": ctypes.c_void_p,
    "size": ctypes.c_size_t,
    "size out": ctypes.POINTER(ctypes.c_size_t),
    "u32": ctypes.c_uint32,
    "u64": ctypes.c_uint64,
    "u64 out": ctypes.POINTER(ctypes.c_uint64),
    "i32 out": ctypes.POINTER(ctypes.c_int32),
    "f64": ctypes.c_double,
    "log function": _native.LogFunction,
    "pointer": ctypes.c_void_p,
}
PYTHON_RESULTS = {"status": ctypes.c_int32, "u32": ctypes.c_uint32, "static string": ctypes.c_char_p}

CSHARP_TYPES = {
    "bell": {"BellHandle", "IntPtr"},
    "bell out": {"out BellHandle"},
    "string": {"byte[]"},
    "bytes": {"byte[]"},
    "text out": {"byte[]"},
    "size": {"UIntPtr"},
    "size out": {"out UIntPtr"},
    "u32": {"uint"},
    "u64": {"ulong"},
    "u64 out": {"out ulong", "IntPtr"},
    "i32 out": {"out int"},
    "f64": {"double"},
    "log function": {"LogFunction"},
    "pointer": {"IntPtr"},
}
CSHARP_RESULTS = {"status": "int", "u32": "uint", "static string": "IntPtr"}


def text_of(language: str) -> str:
    """What a binding has, as one text."""
    files = [file for pattern in SOURCES[language] for file in sorted(ROOT.glob(pattern))]
    assert files, language
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def prototype(
    function: dict[str, Any],
    types: dict[str, str] = C_TYPES,
    results: dict[str, str] = C_RESULTS,
    none: str = "void",
) -> str:
    """As the header, or a language that writes types before names, declares it."""
    arguments = ", ".join(types[one["type"]] + one["name"] for one in function["arguments"])
    return f"{results[function['result']]}{function['name']}({arguments or none})"


def called_by(language: str) -> list[dict[str, Any]]:
    """The functions that this language does not do without."""
    return [function for name, function in FUNCTIONS.items() if name not in WITHOUT.get(language, {})]


def test_the_description_declares_what_the_header_declares():
    code = re.sub(r"/\*.*?\*/", " ", HEADER, flags=re.DOTALL)
    flat = re.sub(r"\s+", " ", re.sub(r"^\s*#.*$", " ", code, flags=re.MULTILINE))
    for function in FUNCTIONS.values():
        assert prototype(function) + ";" in flat, function["name"]
    constants = dict(re.findall(r"^#define (TASKBELL_\w+) (\d+)$", HEADER, flags=re.MULTILINE))
    described = {constant["name"]: str(constant["value"]) for constant in DESCRIPTION["constants"]}
    assert described == constants
    for rule in DESCRIPTION["rules"]:
        assert rule in re.sub(r"\s*\n \*\s+", " ", HEADER)


def test_every_pointer_says_whether_it_may_be_null_and_what_belongs_to_it():
    for function in FUNCTIONS.values():
        names = {one["name"] for one in function["arguments"]}
        for one in function["arguments"]:
            if one["type"] not in ("size", "u32", "u64", "f64"):
                assert "null" in one, (function["name"], one)
            assert one.get("length", one["name"]) in names, (function["name"], one)
            assert ("kept" in one) == (one["type"] in ("log function", "pointer")), (function["name"], one)
        assert function["doc"], function["name"]
        numbered = {constant["name"] for constant in DESCRIPTION["constants"]}
        assert set(function["named_statuses"]) <= numbered


@pytest.mark.parametrize("language", SOURCES)
def test_every_language_has_each_function(language):
    text = text_of(language)
    without = WITHOUT.get(language, {})
    missing = {name for name in FUNCTIONS if name not in without and not re.search(rf"\b{name}\b", text)}
    assert missing == set(), f"{language} lacks them; WITHOUT lists what it does without, with the reason"
    assert set(without) <= set(FUNCTIONS)
    assert all(without.values())


def test_python_declares_the_arguments_of_the_description():
    expected = {
        function["name"]: (
            PYTHON_RESULTS[function["result"]],
            [PYTHON_TYPES[one["type"]] for one in function["arguments"]],
        )
        for function in called_by("python")
    }
    assert expected == _native.PROTOTYPES


def test_csharp_declares_the_arguments_of_the_description():
    text = re.sub(r"\s+", " ", text_of("csharp"))
    declared = re.findall(
        r"\[DllImport\(Library, CallingConvention = C(?:, EntryPoint = \"(\w+)\")?\)\] "
        r"internal static extern (\w+) (\w+)\(([^)]*)\);",
        text,
    )
    assert len(declared) >= len(FUNCTIONS) - len(WITHOUT["csharp"])
    for entry, result, name, inside in declared:
        function = FUNCTIONS[entry or name]
        types = [part.strip().rsplit(" ", 1)[0] for part in inside.split(",") if part.strip()]
        assert result == CSHARP_RESULTS[function["result"]], name
        assert len(types) == len(function["arguments"]), name
        for given, one in zip(types, function["arguments"], strict=True):
            assert given in CSHARP_TYPES[one["type"]], (name, one)


def test_node_declares_the_arguments_of_the_description():
    text = (ROOT / "bindings" / "node" / "lib" / "prototypes.cjs").read_text(encoding="utf-8")
    declared = re.findall(r"^  '(.+)',$", text, flags=re.MULTILINE)
    expected = {prototype(function, NODE_TYPES) for function in called_by("node")}
    assert set(declared) == expected


def test_java_declares_the_arguments_of_the_description():
    text = (ROOT / SOURCES["java"][0].replace("*", "CLibrary")).read_text(encoding="utf-8")
    declared = re.findall(r"^    ((?:int|String) \w+\([^)]*\));$", text, flags=re.MULTILINE)
    expected = {prototype(function, JAVA_TYPES, JAVA_RESULTS, "") for function in called_by("java")}
    assert set(declared) == expected


@pytest.mark.parametrize(
    ("way", "other"), [("Foreign", r"com\.sun\.jna"), ("Jna", r"java\.lang\.foreign|\bForeignLibrary\b")]
)
def test_each_way_of_java_makes_these_functions_without_the_other_way(way, other):
    text = (ROOT / SOURCES["java"][0].replace("*", f"{way}Library")).read_text(encoding="utf-8")
    assert "for (Method function : CLibrary.class.getDeclaredMethods())" in text
    assert not re.search(other, text)
    rest = text_of("java").replace(text, "")
    assert len(re.findall(rf"\b{way}Library\.", rest)) == 1


def test_luajit_declares_the_arguments_of_the_description():
    text = (ROOT / "bindings" / "lua" / "taskbell" / "native_ffi.lua").read_text(encoding="utf-8")
    inside = text.split("ffi.cdef([[")[1].split("]])")[0]
    declared = {line for line in inside.strip().splitlines() if not line.startswith("typedef")}
    assert declared == {prototype(function) + ";" for function in FUNCTIONS.values()}


def test_the_loader_of_the_bindings_in_c_is_that_of_the_description():
    """Its header makes the compiler compare each call of Go and of Lua with the description."""
    run(sys.executable, ROOT / "packaging" / "languages" / "loader.py", "--check")
