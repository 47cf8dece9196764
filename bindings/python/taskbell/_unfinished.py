"""Work that is under way when an exception that nobody passed on ends the program, or a cell of a
notebook."""

from __future__ import annotations

import atexit
import sys
from typing import Callable

_deciders: list[Callable[[bool], None]] = []


def at_end(decide: Callable[[bool], None]) -> Callable[[bool], None]:
    """Calls this at the end of the program with true, and after a cell of a notebook with false: then it ends
    only what an exception ended."""
    _deciders.append(decide)
    return decide


def last_fault(before: object) -> BaseException | None:
    """The exception that ended the program or the cell, if it came after ``before``, an earlier
    ``last_value``."""
    last = last_value()
    return last if isinstance(last, BaseException) and last is not before else None


def last_value() -> object:
    """The exception that the interpreter has shown last."""
    return getattr(sys, "last_value", None)


def decide_all(is_exit: bool = True) -> None:
    """Ends what is under way."""
    for decide in _deciders:
        decide(is_exit)


# Exit hooks run in the reverse order, so this is before the bells are closed.
atexit.register(decide_all)
