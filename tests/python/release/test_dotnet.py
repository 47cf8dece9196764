"""The NuGet package in the SDK of .NET, under Wine: restored from a folder, built, and run on CoreCLR."""

from __future__ import annotations

import json
import os
import shutil
import zipfile

import pytest
from packages import DIST, package, user, version
from systems import place

from bells import settings
from documents import one
from tools import run

PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>netcoreapp2.2</TargetFramework>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
    <UseAppHost>false</UseAppHost>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Taskbell" Version="@VERSION@" />
  </ItemGroup>
</Project>
"""

FRAMEWORK = """<package><metadata>
<id>Microsoft.NETCore.App</id><version>2.2.0</version><authors>none</authors><description>none</description>
</metadata></package>
"""

SOURCES = """<configuration>
  <packageSources><clear /><add key="release" value="packages" /></packageSources>
</configuration>
"""

QUIET = {
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1",
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
}


def write_framework(file, sdk):
    """The package of the framework, which comes from an index, out of the assemblies of the SDK."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("Microsoft.NETCore.App.nuspec", FRAMEWORK)
        (assemblies,) = (sdk / "shared/Microsoft.NETCore.App").iterdir()
        for path in (
            *assemblies.glob("System*.dll"),
            assemblies / "netstandard.dll",
            assemblies / "mscorlib.dll",
        ):
            archive.write(path, f"ref/netcoreapp2.2/{path.name}")


@pytest.fixture(scope="module")
def published(wine, tmp_path_factory):
    """A program that `dotnet publish` made of the package."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "packages").mkdir()
    shutil.copy(package(f"Taskbell.{version()}.nupkg"), folder / "packages")
    sdk = place("dotnet", "done") / "sdk"
    write_framework(folder / "packages/Microsoft.NETCore.App.2.2.0.nupkg", sdk)
    (folder / "nuget.config").write_text(SOURCES)
    (folder / "Host.csproj").write_text(PROJECT.replace("@VERSION@", version()))
    (folder / "Host.cs").write_text(one("README.md", "csharp"))
    env = {**user(tmp_path_factory.mktemp("user") / "home"), **wine.variables, **QUIET}
    # Elsewhere: a project compiles every source below its folder.
    env["NUGET_PACKAGES"] = f"Z:{tmp_path_factory.mktemp('cache')}"
    dotnet = f'cat </dev/null | wine {sdk}/dotnet.exe "$@"'
    once = ["-maxcpucount:1", "-nodeReuse:false", "-p:UseSharedCompilation=false"]
    run("sh", "-c", dotnet, "dotnet", "restore", cwd=folder, env=env, timeout=900)
    words = ["publish", "--no-restore", "-c", "Release", "-o", "out", *once]
    said = run("sh", "-c", dotnet, "dotnet", *words, cwd=folder, env=env, timeout=900)
    assert "warning" not in said, said
    return folder / "out", env, dotnet


@pytest.fixture
def deliver(published, tmp_path, receive):
    """Runs the program by a runtime of .NET, and checks what arrives."""

    def deliver(*command, **variables):
        out, _, _ = published
        receiver = receive()
        config = settings(tmp_path, receiver.url(), hooks=[{"on": ["queue.end"], "to": ["e0"]}])
        config["spool"]["path"] = "bell.db"
        (tmp_path / "taskbell.json").write_text(json.dumps(config))
        env = {**user(tmp_path / "home"), **QUIET, "TASKBELL_CONFIG": "taskbell.json", **variables}
        run(*command, out / "Host.dll", cwd=tmp_path, env=env)
        assert receiver.wait_for(1)[0].json()["data"]["queue"]["total"] == 12

    return deliver


def runtimes(out):
    return {path.parent.parent.name for path in out.glob("runtimes/*/native/*taskbell*")}


def test_a_published_program_has_the_library_for_each_system_of_the_release(published):
    names = {"linux-gnu": "linux-x64", "windows-gnu": "win-x64", "linux-musl": "linux-musl-x64"}
    made = {rid for end, rid in names.items() if [*DIST.glob(f"taskbell-*-x86_64-*{end}.*")]}
    assert made <= runtimes(published[0])


def test_it_delivers_on_coreclr_for_linux(published, deliver):
    if "linux-x64" not in runtimes(published[0]):
        pytest.skip("this release is not for Linux on x86_64")
    host = place("dotnet", "done") / "runtime" / "dotnetcore2" / "bin" / "dotnet"
    os.chmod(host, 0o755)
    # This runtime is of a newer release than the SDK.
    deliver(host, "--roll-forward", "Major")
