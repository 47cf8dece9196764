"""The public members that a source in C# declares, as far as two sources can be compared by them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

NAME = re.compile(
    r"(?:record\s+)?(?:class|struct|enum|interface)\s+(?P<name>\w+)(?:<[^>]*>)?\s*(?P<rest>.*)", re.S
)
MODIFIERS = {"public", "static", "virtual", "override", "abstract", "readonly", "volatile", "const", "async"}
MODIFIERS |= {"sealed", "partial", "new", "required", "unsafe", "extern"}


@dataclass(frozen=True)
class Parameter:
    """One of a method."""

    type: str
    name: str
    is_optional: bool


@dataclass(frozen=True)
class Member:
    """A field, a property, a method or a constructor; the parameters of a field are ``None``."""

    owner: str
    name: str
    type: str
    is_static: bool
    parameters: tuple[Parameter, ...] | None = None


@dataclass
class Scope:
    """A namespace or a type that is being read."""

    name: str
    is_type: bool
    is_enum: bool = False
    members: list[Member] = field(default_factory=list)


def members_of(source: str) -> list[Member]:
    """The public members of all types in a file."""
    text = without_comments_and_strings(source)
    found: list[Member] = []
    _read(text, Scope("", is_type=False), found)
    return found


def without_comments_and_strings(source: str) -> str:
    """The source with nothing between quotes, and without directives and attributes."""
    literal = r'//[^\n]*|/\*.*?\*/|\$?@"(?:[^"]|"")*"|\$?"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    text = re.sub(literal, lambda found: '""' if found[0][0] not in "/'" else " ", source, flags=re.S)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    return re.sub(r"(?<=[{};\]\s])\[[A-Z][\w.]*(?:\([^]]*\))?\]", " ", text)


def _read(text: str, scope: Scope, found: list[Member]) -> None:
    """Reads the declarations directly inside a namespace or a type."""
    if scope.is_enum:
        names = re.findall(r"(\w+)(?:\s*=[^,]*)?(?:,|$)", text.strip())
        found += [Member(scope.name, name, "", is_static=True) for name in names]
        return
    for head, body in _declarations(text):
        if namespace := re.match(r"namespace\s+([\w.]+)", head):
            inner = Scope(namespace[1], is_type=False)
            if body is None:
                scope = inner
            else:
                _read(body, inner, found)
        elif (declared := NAME.search(head)) and not set("(=") & set(head[: declared.start()]):
            name = f"{scope.name}.{declared['name']}"
            rest = declared["rest"].strip()
            found.append(Member(scope.name, declared["name"], "type", is_static=True))
            if rest.startswith("("):
                primary = _parameters(rest[1 : _closing(rest, 0)])
                found.append(Member(name, declared["name"], "", False, primary))
                if "record" in head:
                    found += [Member(name, one.name, one.type, is_static=False) for one in primary]
            _read(body or "", Scope(name, is_type=True, is_enum=bool(re.search(r"\benum\b", head))), found)
        elif scope.is_type and re.match(r"(?:\w+\s+)*?public\b", head):
            found += _members(scope.name, head)


def _declarations(text: str) -> Iterator[tuple[str, str | None]]:
    """What each declaration begins with, and what its braces hold."""
    start = at = 0
    while at < len(text):
        sign = text[at]
        if sign == "(":
            at = _closing(text, at)
        elif sign == ";":
            yield _head(text[start:at]), None
            start = at + 1
        elif sign == "{":
            end = _closing(text, at)
            head = _head(text[start:at])
            if "=" in re.sub(r"\(.*\)", "", head):
                # The value of a field goes on to its semicolon.
                at = end
            else:
                yield head, text[at + 1 : end]
                at, start = end, end + 1
        at += 1


def _head(text: str) -> str:
    return " ".join(text.split())


def _closing(text: str, at: int) -> int:
    """Where the bracket that opens there is closed."""
    opening, closing = text[at], {"(": ")", "{": "}"}[text[at]]
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == opening) - (text[place] == closing)
        if depth == 0:
            return place
    return len(text)


def _members(owner: str, head: str) -> list[Member]:
    """The members of a declaration by what it begins with: one, or several fields of the same type."""
    parameters: tuple[Parameter, ...] | None = None
    if "(" in head.split("=")[0]:
        opening = head.index("(")
        parameters = _parameters(head[opening + 1 : _closing(head, opening)])
        names = [re.sub(r"(\w)\s*<[\w, ]+>$", r"\1", head[:opening].strip())]
    else:
        names = [part.split("=")[0].strip() for part in _parts(head)]
    words = _words(names[0])
    is_static = bool({"static", "const"} & set(words))
    words = [word for word in words if word not in MODIFIERS]
    if not words or words[0] in ("event", "delegate", "operator", "implicit", "explicit"):
        return []
    names[0] = words[-1]
    return [Member(owner, name, "".join(words[:-1]), is_static, parameters) for name in names]


def _words(text: str) -> list[str]:
    """Words, of which no type falls apart at a sign."""
    text = re.sub(r"\s*([<>,?\[\]])\s*", r"\1", text)
    return re.sub(r"([>?\]])(?=\w)", r"\1 ", text).split()


def _parts(text: str) -> list[str]:
    """What commas separate that no bracket holds."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "(<[{") - (sign in ")>]}")
        if sign == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _parameters(text: str) -> tuple[Parameter, ...]:
    """Those of a method, from the text between its brackets."""
    found = []
    for part in _parts(text):
        declared, _, default = part.partition("=")
        words = [
            word for word in _words(declared.strip()) if word not in ("out", "this", "params", "ref", "in")
        ]
        if words:
            found.append(Parameter("".join(words[:-1]), words[-1], bool(default)))
    return tuple(found)
