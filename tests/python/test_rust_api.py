"""What a Rust program relies on that depends on the crate: items are added, never changed.

``tests/abi/rust-VERSION.txt`` has what each version promises, from the pages that ``cargo doc`` makes.
``TASKBELL_UPDATE_DOCS=1`` adds what is new, and changes and removes nothing: that needs another version.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import pytest

from tools import ROOT

PAGES = os.environ.get("TASKBELL_RUST_PAGES")
UNSTABLE = {"Freeze", "StructuralPartialEq", "UnsafeUnpin"}
"""Traits of the compiler's own, which no program can name."""


def plain(markup: str) -> str:
    """What a reader sees of it, in one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", markup))).strip()


def promised(kind: str, page: str) -> set[str]:
    """The item with its fields or variants, its methods, and the traits that it implements."""
    declared = re.findall(r'<pre class="rust item-decl"><code>(.*?)</code></pre>', page, flags=re.DOTALL)[0]
    declared = re.sub(r"<summary.*?</summary>", "", declared, flags=re.DOTALL).replace("</div>", "\n</div>")
    if kind in {"struct", "enum"} and "{" in declared:
        head, inner = declared.split("{", 1)
        parts = {plain(head), *map(plain, inner.rsplit("}", 1)[0].split("\n"))} - {""}
    else:
        parts = {plain(declared)}
    if kind == "type":
        # The rest of its page is about what it stands for.
        return parts
    sections = re.split(r'<h2 id="([a-z-]+)"', page)
    for name, section in zip(sections[1::2], sections[2::2], strict=True):
        if name == "implementations":
            parts |= {plain(found) for found in re.findall(r'<h4 class="code-header">(.*?)</h4>', section)}
        elif name in {"trait-implementations", "synthetic-implementations"}:
            found = {plain(found) for found in re.findall(r'<h3 class="code-header">(.*?)</h3>', section)}
            parts |= {one for one in found if "!" not in one and one.split(" ")[-3] not in UNSTABLE}
    return parts


def interface(folder: Path) -> set[str]:
    """A line for each promise."""
    lines = set()
    for page in folder.glob("*.*.html"):
        kind, name = page.name.split(".")[:2]
        parts = promised(kind, page.read_text(encoding="utf-8"))
        lines |= {f"{kind} {name}: {part}" for part in parts}
    return lines


def version() -> str:
    """As Cargo compares it: below 1.0, another minor number may change what there was."""
    found = re.search(r'^version = "(\d+)\.(\d+)', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M)
    major, minor = found.groups()
    return f"0.{minor}" if major == "0" else major


@pytest.mark.skipif(PAGES is None, reason="`cargo xtask test` makes the pages of the crate")
def test_nothing_that_this_version_of_the_crate_promises_has_changed():
    now = interface(Path(PAGES or ""))
    place = ROOT / "tests" / "abi" / f"rust-{version()}.txt"
    old = set(place.read_text(encoding="utf-8").splitlines()) if place.exists() else set()
    assert old - now == set(), "a program may use it: keep it, or set another version"
    if os.environ.get("TASKBELL_UPDATE_DOCS"):
        place.write_text("".join(f"{line}\n" for line in sorted(now)), encoding="utf-8")
        old = now
    assert now - old == set(), "TASKBELL_UPDATE_DOCS=1 adds what is new to " + str(place.relative_to(ROOT))


def test_a_field_a_method_and_a_trait_are_each_a_promise():
    attribute = '<div class="code-attribute">#[repr(i32)]</div>'
    declared = "enum <a>Kind</a> {\n<summary>Show 2 variants</summary>    One = 1,\n    Two = 2,\n}"
    page = (
        f'<pre class="rust item-decl"><code>{attribute}pub {declared}</code></pre>'
        + '<h2 id="implementations"><h3 class="code-header">impl Kind</h3>'
        + '<h4 class="code-header">pub fn <a>of</a>(text: &amp;str) -&gt; Kind</h4>'
        + '<h2 id="trait-implementations"><h3 class="code-header">impl Debug for Kind</h3>'
        + '<h4 class="code-header">fn fmt(&amp;self)</h4><h2 id="synthetic-implementations">'
        + '<h3 class="code-header">impl Freeze for Kind</h3><h3 class="code-header">impl !Send for Kind</h3>'
        + '<h2 id="blanket-implementations"><h3 class="code-header">impl&lt;T&gt; From&lt;T&gt; for T</h3>'
    )
    assert promised("enum", page) == {
        "#[repr(i32)] pub enum Kind",
        "One = 1,",
        "Two = 2,",
        "pub fn of(text: &str) -> Kind",
        "impl Debug for Kind",
    }
