"""A real cluster of Slurm, of one node, with the script as its MailProg and as its epilog."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from bells import eventually, settings
from examples import batches, tasks
from tools import ROOT, attempt, run

NEEDED = ("slurmctld", "slurmd", "munged", "sbatch")

if not all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in NEEDED):
    pytest.skip(
        "needs slurmctld, slurmd, slurm-client and munge: cargo xtask test --hosts", allow_module_level=True
    )

if os.geteuid() != 0:
    pytest.skip("slurmd starts jobs for others, as root", allow_module_level=True)

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1
{program}={folder}/program
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=farm Nodes=ALL Default=YES State=UP
"""


def free_ports(count):
    with contextlib.ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Cluster:
    def __init__(self, folder, program, config, python_path):
        self.folder, self.processes = folder, []
        for name in ("munge", "state", "spool"):
            (folder / name).mkdir(mode=0o700)
        folder.chmod(0o755)
        script = folder / "taskbell_slurm.py"
        shutil.copy(ROOT / "bindings" / "hosts" / "slurm" / "taskbell_slurm.py", script)
        (folder / "taskbell.toml").write_text(config)
        conf = folder / "slurm.conf"
        # slurmctld hands over its own variables only.
        library = os.environ["TASKBELL_LIBRARY"]
        known = f"SLURM_CONF={conf} TASKBELL_LIBRARY={library} PYTHONPATH={python_path}"
        text = f'#!/bin/sh\nexec env {known} {sys.executable} {script} "$@" 2>>{folder}/program.log\n'
        (folder / "program").write_text(text)
        (folder / "program").chmod(0o755)
        host = socket.gethostname().split(".")[0]
        conf.write_text(CONF.format(host=host, folder=folder, program=program, ports=free_ports(2)))
        self.env = {**os.environ, "SLURM_CONF": str(conf), "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        (folder / "munge" / "key").write_bytes(os.urandom(1024))
        (folder / "munge" / "key").chmod(0o400)

    def __enter__(self):
        munge = self.folder / "munge"
        places = {
            "key-file": "key",
            "socket": "socket",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        self.start(
            "munged", "--foreground", "--force", *(f"--{name}={munge / at}" for name, at in places.items())
        )
        eventually("munge", (munge / "socket").exists)
        self.start("slurmctld", "-D")
        self.start("slurmd", "-D")
        eventually("a node", lambda: "idle" in attempt("sinfo", "-h", "-o", "%t", env=self.env).stdout)
        return self

    def start(self, *command):
        log = (self.folder / f"{command[0]}.out").open("w")
        process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)

    def submit(self, name, command, *words):
        line = ["sbatch", "--job-name", name, "--output", "/dev/null", *words, "--wrap", command]
        return re.search(r"\d+", run(*line, env=self.env, cwd=self.folder))[0]

    def state(self, number):
        shown = run("scontrol", "-o", "show", "job", number, env=self.env)
        return re.search(r"JobState=(\w+)", shown)[1]

    def __exit__(self, *_fault):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


MAIL = ("--mail-type", "ALL", "--mail-user", "ada")


@pytest.fixture
def cluster(tmp_path, receive):
    """A cluster that has the script as this program of its, and the receiver of its messages."""
    started = contextlib.ExitStack()

    def start(program, on, python_path=os.environ["PYTHONPATH"]):
        receiver = receive()
        config = settings(tmp_path, receiver.url(), hooks=[{"on": on, "to": ["e0"]}])
        toml = "\n".join(
            [
                f"spool = {{ path = {json.dumps(config['spool']['path'])} }}",
                f'[endpoints.e0]\nplatform = "json"\nurl = {json.dumps(receiver.url())}',
                f'[[hooks]]\non = {json.dumps(on)}\nto = ["e0"]',
            ]
        )
        return started.enter_context(Cluster(tmp_path, program, toml, python_path)), receiver

    with started:
        yield start


def test_the_mail_of_a_job_is_a_task_and_that_of_an_array_one_batch(cluster):
    farm, receiver = cluster("MailProg", ["task.complete", "batch.end", "message"])
    farm.submit("shot 042", "exit 0", *MAIL)
    farm.submit("shot 043", "exit 3", *MAIL)
    farm.submit("shot 044", "kill -9 $$", *MAIL)
    long = farm.submit("shot 045", "sleep 300", *MAIL)
    eventually("a running job", lambda: farm.state(long) == "RUNNING")
    run("scancel", long, env=farm.env)
    found = {task["name"]: task for task in tasks(receiver, 4)}
    assert {name: task["status"] for name, task in found.items()} == {
        "shot 042": "success",
        "shot 043": "error",
        "shot 044": "error",
        "shot 045": "cancelled",
    }
    assert found["shot 043"]["error"] == {"type": "FAILED", "message": "failed, exit code 3"}
    assert found["shot 044"]["error"]["message"] == "failed, signal 9"
    assert (found["shot 042"]["user"], found["shot 042"]["params"]["partition"]) == ("root", "farm")
    assert found["shot 042"]["duration_s"] >= 0
    farm.submit(
        "frames", "exit $((SLURM_ARRAY_TASK_ID == 2))", "--array=1-3", *MAIL[:1], "END,FAIL", *MAIL[2:]
    )
    (batch,) = batches(receiver)
    assert (batch["id"], batch["status"], batch["total"]) == ("frames", "error", 3)
    assert (batch["succeeded"], batch["failed"]) == (2, 1)
    assert batch["failures"] == [{"name": "task 2", "error": {"message": "failed, exit code 1"}}]
    others = [request.json() for request in receiver.requests if b'"message","' in request.body]
    assert any("Began" in body["data"]["title"] for body in others if body["type"] == "message")


def test_the_epilog_reports_every_job_and_an_array_as_one_batch(cluster):
    farm, receiver = cluster("EpilogSlurmctld", ["task.complete", "batch.end"])
    farm.submit("shot 042", "exit 0")
    farm.submit("frames", "exit $((SLURM_ARRAY_TASK_ID == 4))", "--array=2-6:2")
    found = tasks(receiver, 4)
    assert sorted((task["name"], task["status"]) for task in found) == [
        ("frames", "error"),
        ("frames", "success"),
        ("frames", "success"),
        ("shot 042", "success"),
    ]
    (batch,) = batches(receiver)
    assert re.fullmatch(r"frames \d+", batch["id"])
    assert (batch["total"], batch["succeeded"], batch["failed"]) == (3, 2, 1)


def test_without_the_package_jobs_end_as_before_and_the_program_says_why(cluster, tmp_path):
    farm, receiver = cluster("EpilogSlurmctld", ["task.complete"], python_path="")
    number = farm.submit("shot 042", "exit 0")
    log = tmp_path / "program.log"
    eventually("a reason", lambda: log.exists() and "has no package taskbell" in log.read_text())
    eventually("its end", lambda: farm.state(number) == "COMPLETED")
    assert receiver.requests == []
