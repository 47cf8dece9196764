"""What a program relies on that was built against an ABI: functions and numbers are added, never changed.

``tests/abi/NUMBER.json`` has what each number promises. ``TASKBELL_UPDATE_DOCS=1`` adds what is new,
and changes and removes nothing: another meaning needs another number.
"""

from __future__ import annotations

import json
import os
from typing import Any

from tools import ROOT

DESCRIPTION = json.loads((ROOT / "include" / "taskbell.abi.json").read_text(encoding="utf-8"))


def promised(description: dict[str, Any]) -> dict[str, Any]:
    """What a compiled program has in it: numbers, and how each function is called."""
    arguments = ("type", "length", "kept")
    return {
        "constants": {one["name"]: one["value"] for one in description["constants"]},
        "functions": {
            one["name"]: {
                "result": one["result"],
                "arguments": [
                    {key: argument[key] for key in arguments if key in argument}
                    for argument in one["arguments"]
                ],
            }
            for one in description["functions"]
        },
        "types": {one["name"]: one["kind"] for one in description["types"]},
    }


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What is no longer as it was."""
    return [name for kind in old for name, meaning in old[kind].items() if new[kind].get(name) != meaning]


def test_nothing_that_this_number_of_the_abi_promises_has_changed():
    now = promised(DESCRIPTION)
    place = ROOT / "tests" / "abi" / f"{now['constants']['TASKBELL_ABI_VERSION']}.json"
    old = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {kind: {} for kind in now}
    assert changed(old, now) == [], "another meaning needs another TASKBELL_ABI_VERSION"
    if os.environ.get("TASKBELL_UPDATE_DOCS"):
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        old = now
    assert old == now, "TASKBELL_UPDATE_DOCS=1 adds what is new to " + str(place.relative_to(ROOT))


def test_a_changed_argument_a_changed_number_and_a_removed_function_are_found():
    old, new = promised(DESCRIPTION), promised(DESCRIPTION)
    new["functions"]["taskbell_emit"]["arguments"][3]["type"] = "u32"
    new["constants"]["TASKBELL_ERR_SPOOL"] = 99
    del new["functions"]["taskbell_poll"]
    new["functions"]["taskbell_added"] = {"result": "status", "arguments": []}
    assert sorted(changed(old, new)) == ["TASKBELL_ERR_SPOOL", "taskbell_emit", "taskbell_poll"]
