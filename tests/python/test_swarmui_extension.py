"""The extension for SwarmUI, compiled against a stub of SwarmUI, in a server that raises its events."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from bells import endpoint, settings
from steps import Hang, Reply
from tools import ROOT, adapter, coreclr, coreclr_folder, need, run

CHROMIUM = shutil.which("chromium")
TEMPLATE = '{"seed": %seed%, "text": "%prompt%", "model": "%model% %loras%", "took": "%generation_time%", '
TEMPLATE += '"more": "%Sampler%, %Refiner Model%, %my note%, %vae%, 9% %Other strength%, %other%"}'


def compile_all(directory, *options):
    """SwarmUI's stub, the extension as an assembly of its own, and the server."""
    if released := adapter("swarmui", directory / "unpacked"):
        extension, binding = sorted(released.glob("*.cs")), []
    else:
        extension = sorted((ROOT / "bindings" / "hosts" / "swarmui").glob("*.cs"))
        binding = [ROOT / "bindings" / "csharp" / name for name in ("Native.cs", "Taskbell.cs")]
    stub, plugin, server = (directory / name for name in ("SwarmUI.dll", "Extension.dll", "Server.exe"))
    compiler = [need("mcs"), "-langversion:7.2", "-warn:4", "-warnaserror", "-nowarn:1702", *options]
    run(*compiler, "-target:library", f"-out:{stub}", *sorted((ROOT / "tests/csharp/stubs").glob("*.cs")))
    run(*compiler, "-target:library", f"-out:{plugin}", f"-r:{stub}", *extension, *binding)
    run(*compiler, f"-out:{server}", f"-r:{stub}", f"-r:{plugin}", ROOT / "tests/csharp/swarmui/Server.cs")
    return server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The server with the extension, for Mono."""
    return compile_all(tmp_path_factory.mktemp("mono"))


def config(tmp_path, receiver):
    every = ["task.complete", "task.note", "queue.start", "queue.end", "server.start", "server.stop"]
    return settings(
        tmp_path,
        endpoints={
            "all": endpoint(receiver.url("/all"), concurrency=1),
            "asked": endpoint(receiver.url("/asked"), concurrency=1),
        },
        hooks=[
            {"on": every, "to": ["all"]},
            {
                "on": ["task.complete"],
                "to": ["asked"],
                "manual": True,
                "when": "task.status == 'success'",
                "syntax": "swarmui",
                "template": TEMPLATE,
            },
        ],
    )


def serve(command, directory, described, **env):
    """Runs the server with a configuration where the extension looks for it."""
    home = directory / "swarm"
    if described is not None:
        (home / "Data" / "Taskbell").mkdir(parents=True, exist_ok=True)
        (home / "Data" / "Taskbell" / "taskbell.toml").write_text(to_toml(described))
    home.mkdir(exist_ok=True)
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("TASKBELL_")}
    text = run(*command, env={**surroundings, **env}, cwd=home, timeout=90)
    assert text.endswith("ok\n"), text
    return text


def to_toml(described):
    """The configuration as TOML, whose inline tables are JSON with `=` for `:`."""

    def value(of):
        if isinstance(of, dict):
            return "{" + ", ".join(f"{key} = {value(inner)}" for key, inner in of.items()) + "}"
        if isinstance(of, list):
            return "[" + ", ".join(map(value, of)) + "]"
        return json.dumps(of)

    return "".join(f"{key} = {value(of)}\n" for key, of in described.items())


def check_story(receiver, picture=None):
    """What the server did, as its receivers heard it."""
    requests = receiver.wait_for(15)
    bodies = [request.json() for request in requests if request.target == "/all"]
    kinds = [body["type"] for body in bodies]
    tasks = [body["data"]["task"] for body in bodies if body["type"] == "task.complete"]
    assert kinds[:10] == ["server.start", "queue.start", *["task.complete"] * 8]
    # The end of the queue is held back for a moment, in which the server may go down.
    assert sorted(kinds[10:]) == ["queue.end", "server.stop"]
    ids = [task["id"] for task in tasks]
    assert ids == [f"mira:{rest}" for rest in ("1:1", "1:2", "2:1", "2:2", "2:3", "5:1", "5:2", "5:3")]
    assert [task["status"] for task in tasks] == [*["success"] * 3, *["error"] * 2, *["success"] * 3]
    # The backend that was passed over is not the reason.
    assert tasks[3]["error"]["message"] == "see the log of SwarmUI"
    assert tasks[0]["duration_s"] == pytest.approx(12.34)
    assert tasks[0]["batch"] == {"id": "mira:1", "total": 2}
    # The images of a grid come one by one, so none of them is a batch; the finished one does not wait.
    assert [("batch" in task, task["queue_remaining"]) for task in tasks[5:]] == [
        (False, left) for left in (2, 1, 0)
    ]
    assert tasks[0]["params"]["prompt"] == 'ein "großer"\nHund'
    assert tasks[0]["params"]["refinermodel"] == "SDXL/refiner"
    assert not {"initimage", "hiddennote", "unregistered"} & set(tasks[0]["params"])
    (output,) = tasks[0]["outputs"]
    assert output["mime"] == "image/png"
    assert output.keys() == ({"mime", "path", "url"} if picture else {"mime"})
    queue = bodies[kinds.index("queue.end")]["data"]["queue"]
    assert (queue["total"], queue["succeeded"], queue["failed"], queue["cancelled"]) == (11, 6, 3, 2)
    asked, refused, at_end = (request.json() for request in requests if request.target == "/asked")
    assert refused["data"]["task"]["error"]["message"] == 'No backend has "enough" memory'
    assert asked == at_end
    assert asked == {
        "seed": 7000000000,
        "text": 'ein "großer"\nHund',
        "model": "SDXL/base film-grain",
        "took": "12.34 sec",
        "more": "dpmpp_2m, SDXL/refiner, for the cover, , 9% , %other%",
    }
    assert all(b"webhook_params" not in request.body for request in requests)


@pytest.mark.parametrize("mode", ["quiet", "busy"])
def test_a_receiver_hears_what_happens_in_swarmui(server, tmp_path, library_path, receive, mode):
    receiver = receive()
    text = serve(
        [need("mono"), server, mode],
        tmp_path,
        config(tmp_path, receiver),
        LD_LIBRARY_PATH=str(library_path.parent),
    )
    assert "error:" not in text
    assert "info: [Taskbell] 2 endpoints, 2 hooks" in text
    assert "webhook_params.url" in text
    assert "matches none of `[network] task_urls`" in text
    check_story(receiver)


def test_pictures_are_kept_for_messages_within_bounds(server, tmp_path, library_path, receive):
    receiver = receive()
    pictures = tmp_path / "swarm" / "Data" / "Taskbell" / "pictures"
    pictures.mkdir(parents=True)
    described = {**config(tmp_path, receiver), "files": {"roots": [str(pictures)]}}
    serve(
        [need("mono"), server, "keep"],
        tmp_path,
        described,
        LD_LIBRARY_PATH=str(library_path.parent),
    )
    check_story(receiver, picture=True)


def test_the_tab_shows_how_things_stand_sends_a_test_and_reloads(server, tmp_path, library_path, receive):
    receiver = receive()
    described = config(tmp_path, receiver)
    command = [need("mono"), server, "page"]
    serve(command, tmp_path, described, LD_LIBRARY_PATH=str(library_path.parent))
    notes = [request.json() for request in receiver.wait_for(16) if b"task.note" in request.body]
    assert [note["data"]["task"]["name"] for note in notes] == ["A test message from SwarmUI"]


def test_without_a_configuration_swarmui_runs_on_and_nothing_is_loaded(server, tmp_path):
    text = serve([need("mono"), server, "idle"], tmp_path, None, LD_LIBRARY_PATH="/nonexistent")
    assert "so nothing is sent" in text


def test_without_the_library_swarmui_runs_on_and_says_why(server, tmp_path, receive):
    described = config(tmp_path, receive())
    text = serve([need("mono"), server, "idle"], tmp_path, described, LD_LIBRARY_PATH="/nonexistent")
    assert "error: [Taskbell] Nothing is sent: " in text


@pytest.mark.parametrize("answer", [Reply(503), Hang()], ids=["refuses", "hangs"])
def test_a_dead_receiver_holds_neither_generation_nor_the_shutdown(
    server, tmp_path, library_path, receive, answer
):
    receiver = receive(default=answer)
    described = config(tmp_path, receiver)
    command = [need("mono"), server, "impatient"]
    text = serve(command, tmp_path, described, LD_LIBRARY_PATH=str(library_path.parent))
    if isinstance(answer, Hang):
        assert "not every receiver of queue.start has answered within 1 s" in text
    assert "wait for the next start" in text


def test_coreclr_finds_the_library_below_the_extension(tmp_path, library_path, receive):
    framework = next((coreclr_folder() / "shared" / "Microsoft.NETCore.App").iterdir())
    names = """System.IO.FileSystem System.IO System.Runtime System.Console System.Collections System.Linq
        System.Collections.Concurrent System.Text.RegularExpressions System.Diagnostics.TraceSource
        System.Threading.ThreadPool
        System.Threading System.Private.CoreLib System.Runtime.InteropServices System.Runtime.Extensions
        System.Runtime.InteropServices.RuntimeInformation netstandard mscorlib"""
    references = [f"-r:{framework / name}.dll" for name in names.split()]
    server = compile_all(tmp_path, "-nostdlib", "-noconfig", "-d:NETCOREAPP3_0_OR_GREATER", *references)
    machine = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    native = tmp_path / "swarm/src/Extensions/TaskbellExtension/native" / f"linux-{machine}"
    native.mkdir(parents=True)
    shutil.copy(library_path, native / "libtaskbell.so")
    receiver = receive()
    serve(coreclr(server), tmp_path, config(tmp_path, receiver))
    check_story(receiver)


def style_sheets():
    """Those of SwarmUI where its source is, so that the screenshot looks as its tab does."""
    source = os.environ.get("TASKBELL_SWARMUI")
    names = ["bootstrap.min.css", "site.css", "genpage.css", "themes/modern.css", "themes/modern_dark.css"]
    folder = Path(source or "") / "src" / "wwwroot" / "css"
    return "".join(f'<link rel="stylesheet" href="{(folder / name).as_uri()}">' for name in names if source)


@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_the_tab_shows_texts_of_the_server_and_never_their_markup(tmp_path):
    """The tab as SwarmUI puts it into its page, with SwarmUI's function for requests."""
    folder = ROOT / "bindings" / "hosts" / "swarmui"
    tab = (folder / "Tabs" / "Text2Image" / "Taskbell.html").read_text()
    lane = {"waiting": 2, "in_flight": 1, "state": "open"}
    status = {
        "config": "/swarm/<b>taskbell.toml</b>",
        "fault": None,
        "endpoints": ["team"],
        "stats": json.dumps({"accepted": 5, "delivered": 3, "pending": 2, "lanes": {"team": lane}}),
    }
    answers = {
        "TaskbellStatus": status,
        "TaskbellTest": {"error": "No hook listens"},
        "TaskbellReload": {"success": True},
    }
    page = tmp_path / "page.html"
    page.write_text(
        f"""{style_sheets()}<a id="maintab_taskbell"></a><div id="taskbell">{tab}</div><script>
let answers = {json.dumps(answers)};
function genericRequest(url, in_data, callback, depth = 0, errorHandle = null) {{
    let data = answers[url];
    data.error ? errorHandle(data.error) : callback(data);
}}
</script><script>{(folder / "Assets" / "taskbell_page.js").read_text()}</script><script>
taskbellTab.dispatchEvent(new Event('shown.bs.tab'));
document.querySelector('#taskbell_endpoints button').click();
</script>"""
    )
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-sync",
    ]
    command = [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'profile'}"]
    shots = ROOT / "target" / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    run(
        *command,
        "--window-size=900,420",
        f"--screenshot={shots / 'swarmui-tab.png'}",
        page.as_uri(),
        timeout=120,
    )
    shown = run(*command, "--dump-dom", page.as_uri(), timeout=120).partition("<script>")[0]
    assert "Configuration: /swarm/&lt;b&gt;taskbell.toml&lt;/b&gt;" in shown
    assert "<td>team</td><td>in order</td><td>2 waiting, 1 on the way</td>" in shown
    assert "events: 5, messages delivered: 3, waiting: 2" in shown
    assert ">No hook listens</p>" in shown
