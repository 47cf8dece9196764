"""The NuGet package: what is in it, and a program that is compiled and run from it alone."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree
import zipfile

import pytest
from packages import package, user, version

from bells import settings
from documents import one
from tools import need, run

PROJECT = """<Project DefaultTargets="Build" xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <AssemblyName>Host</AssemblyName>
    <OutputPath>out/</OutputPath>
    <TargetFrameworkVersion>v4.5</TargetFrameworkVersion>
    <CscToolExe>mcs</CscToolExe>
    <NoCompilerStandardLib>false</NoCompilerStandardLib>
  </PropertyGroup>
  <ItemGroup>
    <Reference Include="System" />
    <Compile Include="Host.cs" />
  </ItemGroup>
  <Import Project="$(MSBuildToolsPath)/Microsoft.CSharp.targets" />
  <Import Project="packages/taskbell/build/Taskbell.targets" />
</Project>
"""


@pytest.fixture
def unpacked(tmp_path):
    folder = tmp_path / "packages" / "taskbell"
    with zipfile.ZipFile(package(f"Taskbell.{version()}.nupkg")) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def test_the_package_has_its_parts_and_is_described(unpacked):
    for file in (
        "[Content_Types].xml",
        "_rels/.rels",
        "README.md",
        "LICENSE",
        "src/Native.cs",
        "build/Taskbell.targets",
    ):
        assert (unpacked / file).is_file(), file
    described = xml.etree.ElementTree.parse(unpacked / "Taskbell.nuspec").getroot()
    names = {part.tag.split("}")[1]: part.text for part in described[0]}
    assert (names["id"], names["version"], names["license"]) == ("Taskbell", version(), "MIT")
    repository = next(part for part in described[0] if part.tag.endswith("}repository"))
    assert re.fullmatch("[0-9a-f]{40}", repository.get("commit") or ""), "where a debugger finds the source"
    types = (unpacked / "[Content_Types].xml").read_text()
    endings = {path.suffix[1:] for path in unpacked.rglob("*") if path.is_file() and path.suffix}
    assert {ending for ending in endings - {"xml"} if f'"{ending}"' not in types} == set()


def test_every_public_member_is_documented_where_the_project_compiles_it(unpacked, tmp_path):
    """An editor shows it, and a project that writes documents has no warning because of this package."""
    document = tmp_path / "Taskbell.xml"
    sources = [unpacked / "src" / name for name in ("Taskbell.cs", "Native.cs")]
    words = ["-target:library", "-warnaserror+", f"-doc:{document}", f"-out:{tmp_path / 'Taskbell.dll'}"]
    run(need("mcs"), *words, *sources)
    members = {one.get("name") for one in xml.etree.ElementTree.parse(document).iter("member")}
    assert {"T:TaskbellNet.Taskbell", "F:TaskbellNet.TaskbellCode.Spool"} <= members


def test_a_project_that_imports_the_package_builds_and_delivers(unpacked, tmp_path, receive):
    (tmp_path / "Host.cs").write_text(one("README.md", "csharp"))
    (tmp_path / "Host.csproj").write_text(PROJECT)
    env = user(tmp_path / "home")
    run(need("xbuild"), "/nologo", "/verbosity:quiet", tmp_path / "Host.csproj", env=env, cwd=tmp_path)
    receiver = receive()
    config = settings(tmp_path, receiver.url(), hooks=[{"on": ["queue.end"], "to": ["e0"]}])
    (tmp_path / "taskbell.json").write_text(json.dumps(config))
    run(need("mono"), "out/Host.exe", env={**env, "TASKBELL_CONFIG": "taskbell.json"}, cwd=tmp_path)
    assert receiver.wait_for(1)[0].json()["data"]["queue"]["total"] == 12
