"""Makes the packages of languages that have no step of their own in `cargo xtask dist`.

    python packaging/languages/package.py npm OUT linux-x64=target/release/libtaskbell.so … [--notice=THIRD-PARTY.md …]

A library is given with the name of its system, as the packages call it: `linux-x64`, `linux-musl-arm64`, `win-x64`,
`osx-arm64`. Without one, a package has none, and `TASKBELL_LIBRARY` names it. A notice says whose work is in the
libraries.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MOMENT = (2000, 1, 1, 0, 0, 0)
"""The time of every file in an archive, so that the same files make the same bytes."""

ROOT = Path(__file__).resolve().parents[2]


def run(*command: object, cwd: Path) -> str:
    """Runs a program of the ecosystem; ends with its words when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed in {cwd}: {done.stderr}{done.stdout}")
    return done.stdout


def release() -> str:
    """The version of the library and of every package."""
    found = re.search(
        r'^version = "(.+)"$',
        (ROOT / "Cargo.toml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    if found is None:
        sys.exit("Cargo.toml has no version")
    return found[1]


def copy_binding(language: str, folder: Path) -> Path:
    """The binding's folder, apart, with the licence."""
    place = folder / language
    shutil.copytree(
        ROOT / "bindings" / language,
        place,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "LICENSE", place / "LICENSE")
    return place


def archive(path: Path, files: dict[str, bytes]) -> None:
    """Writes a zip with these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, files[name])


def npm(out: Path, libraries: dict[str, Path], notices: list[Path]) -> Path:
    """The package for npm, by `npm pack`, with a library for each system in `native`."""
    with tempfile.TemporaryDirectory() as folder:
        place = copy_binding("node", Path(folder))
        for system, library in libraries.items():
            (place / "native" / system).mkdir(parents=True)
            shutil.copy(library, place / "native" / system / library.name)
        for notice in notices:
            shutil.copy(notice, place / "native" / notice.name)
        name = run(
            "npm",
            "pack",
            "--loglevel=error",
            "--pack-destination",
            out.resolve(),
            cwd=place,
        )
        return out / name.strip().splitlines()[-1]


GO_MODULE = "github.com/taskbell/taskbell/bindings/go"


def go(out: Path, _libraries: dict[str, Path], _notices: list[Path]) -> Path:
    """The Go module, laid out as a module proxy has it (`GOPROXY=file://OUT/proxy`); the tag of its release is
    `bindings/go/vVERSION`. It opens the library when the program runs, so it has none."""
    version = "v" + release()
    place = out / "proxy" / GO_MODULE / "@v"
    place.mkdir(parents=True, exist_ok=True)
    binding = ROOT / "bindings" / "go"
    shutil.copy(binding / "go.mod", place / f"{version}.mod")
    (place / "list").write_text(version + "\n")
    (place / f"{version}.info").write_text(
        json.dumps({"Version": version, "Time": "2000-01-01T00:00:00Z"})
    )
    files = {
        path.relative_to(binding).as_posix(): path
        for path in binding.rglob("*")
        if path.is_file()
    }
    files["LICENSE"] = ROOT / "LICENSE"
    named = {
        f"{GO_MODULE}@{version}/{name}": path.read_bytes()
        for name, path in files.items()
    }
    archive(place / f"{version}.zip", named)
    return place / f"{version}.zip"


JNA_SYSTEMS = {
    "linux-x64": "linux-x86-64",
    "linux-arm64": "linux-aarch64",
    "win-x64": "win32-x86-64",
    "win-arm64": "win32-aarch64",
    "osx-x64": "darwin-x86-64",
    "osx-arm64": "darwin-aarch64",
}
"""The folders in which JNA and the binding look for a library; JNA has none for musl."""


def jna() -> Path:
    """JNA's jar, to compile with: `JNA_JAR`, else Debian's."""
    found = Path(os.environ.get("JNA_JAR") or "/usr/share/java/jna.jar")
    if not found.exists():
        sys.exit(
            f"{found} is missing: set JNA_JAR, or on Debian: apt-get install libjna-java"
        )
    return found


def jar(out: Path, libraries: dict[str, Path], notices: list[Path]) -> Path:
    """The jar with a library for each system, and the jar with the sources."""
    with tempfile.TemporaryDirectory() as folder:
        place = copy_binding("java", Path(folder))
        sources, classes = place / "src" / "main" / "java", place / "classes"
        options = [
            "--release",
            "17",
            "-encoding",
            "UTF-8",
            "-Xlint:all",
            "-Xdoclint:all/protected",
            "-Werror",
        ]
        files = sorted(sources.rglob("*.java"))
        run("javac", *options, "-cp", jna(), "-d", classes, *files, cwd=place)
        for system, library in libraries.items():
            if system in JNA_SYSTEMS:
                (classes / JNA_SYSTEMS[system]).mkdir()
                shutil.copy(library, classes / JNA_SYSTEMS[system] / library.name)
        meta = classes / "META-INF"
        maven = meta / "maven" / "io.github.taskbell" / "taskbell"
        maven.mkdir(parents=True)
        shutil.copy(place / "pom.xml", maven)
        for notice in [place / "LICENSE", *notices]:
            shutil.copy(notice, meta)
        manifest = place / "manifest"
        manifest.write_text(
            f"Automatic-Module-Name: io.github.taskbell\nImplementation-Version: {release()}\n"
        )
        made = (out / f"taskbell-{release()}.jar").resolve()
        date = "--date=2000-01-01T00:00:00Z"
        run(
            "jar",
            "--create",
            f"--file={made}",
            f"--manifest={manifest}",
            date,
            "-C",
            classes,
            ".",
            cwd=place,
        )
        packed = made.with_name(f"taskbell-{release()}-sources.jar")
        run("jar", "--create", f"--file={packed}", date, "-C", sources, ".", cwd=place)
        shutil.copy(place / "pom.xml", made.with_suffix(".pom"))
        return made


def rock(out: Path, _libraries: dict[str, Path], _notices: list[Path]) -> Path:
    """The source rock for LuaRocks: the rockspec, and an archive of what it builds. It opens the library when the program
    runs, so it has none."""
    with tempfile.TemporaryDirectory() as folder:
        place = copy_binding("lua", Path(folder))
        (spec,) = place.glob("*.rockspec")
        made = out / f"{spec.stem}.src.rock"
        inner = Path(folder) / "taskbell.zip"
        files = [path for path in place.rglob("*") if path.is_file()]
        archive(
            inner,
            {
                f"taskbell/{path.relative_to(place).as_posix()}": path.read_bytes()
                for path in files
            },
        )
        # In the rock the sources are next to the rockspec, in place of the repository.
        text = re.sub(
            r"source = \{.*?\n\}",
            'source = {\n   url = "taskbell.zip",\n   dir = "taskbell",\n}',
            spec.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        archive(made, {spec.name: text.encode(), inner.name: inner.read_bytes()})
        return made


PACKAGES = {"npm": npm, "go": go, "jar": jar, "rock": rock}


def main(words: list[str]) -> None:
    if len(words) < 2 or words[0] not in PACKAGES:
        sys.exit(f"usage: package.py {'|'.join(PACKAGES)} OUT [SYSTEM=LIBRARY …]")
    kind, out, *rest = words
    libraries, notices = {}, []
    for word in rest:
        name, _, path = word.partition("=")
        if not Path(path).is_file():
            sys.exit(
                f"{word} names no file: SYSTEM=LIBRARY, such as linux-x64=target/release/libtaskbell.so"
            )
        if name == "--notice":
            notices.append(Path(path))
        else:
            libraries[name] = Path(path)
    Path(out).mkdir(parents=True, exist_ok=True)
    print(PACKAGES[kind](Path(out), libraries, notices))


if __name__ == "__main__":
    main(sys.argv[1:])
