"""The logger plugin in a real Snakemake."""

from __future__ import annotations

import os
import sys

import pytest

from examples import batches, need_host, surroundings
from tools import ROOT, attempt

need_host("snakemake")

PLUGIN = ROOT / "bindings" / "hosts" / "snakemake"

WORKFLOW = """
rule all:
    input: expand("frames/{frame}.txt", frame=[11, 12, 13])

rule render:
    output: "frames/{frame}.txt"
    log: "logs/{frame}.log"
    shell: "test {wildcards.frame} != 13 && echo done > {output}"
"""


@pytest.fixture
def workflow(tmp_path, receive):
    """Runs a workflow with the plugin, and gives the exit code, the log and what has arrived."""
    receiver = receive()
    (tmp_path / "shot").mkdir()

    def work(text, *words, without=""):
        (tmp_path / "shot" / "Snakefile").write_text(text)
        paths = [str(PLUGIN), *(path for path in [os.environ["PYTHONPATH"]] if path != without)]
        env = surroundings(receiver, tmp_path, TASKBELL_CONFIG="env:TEAM_URL", PYTHONPATH=":".join(paths))
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--keep-going", "--logger", "taskbell"]
        done = attempt(*command, *words, cwd=tmp_path / "shot", env=env)
        return done.returncode, done.stdout, receiver

    return work


def test_a_workflow_is_a_batch_whose_failed_rules_have_a_name(workflow):
    code, text, receiver = workflow(WORKFLOW, "--quiet", "all")
    assert code == 1, text
    (batch,) = batches(receiver)
    assert (batch["id"], batch["status"], batch["total"]) == ("shot", "error", 4)
    assert (batch["succeeded"], batch["failed"], batch["cancelled"]) == (2, 1, 1)
    (failed,) = batch["failures"]
    assert failed["name"] == "render: frames/13.txt"
    assert "logs/13.log" in failed["error"]["message"]


def test_a_workflow_that_succeeds_has_the_name_of_its_option(workflow):
    words = ("--logger-taskbell-name", "nightly")
    code, text, receiver = workflow(WORKFLOW.replace(", 13", ""), *words)
    assert code == 0, text
    (batch,) = batches(receiver)
    assert (batch["id"], batch["status"], batch["succeeded"]) == ("nightly", "success", 3)
    code, text, receiver = workflow(WORKFLOW.replace(", 13", ""), *words)
    assert code == 0, text
    assert len(receiver.requests) == 1, "nothing was to be done"


def test_a_workflow_that_cannot_be_read_is_a_failure(workflow):
    code, _text, receiver = workflow("rule all:\n    input: missing_name\n")
    assert code == 1
    (batch,) = batches(receiver)
    assert (batch["status"], batch["failed"]) == ("error", 1)
    assert "missing_name" in batch["failures"][0]["error"]["message"]


def test_without_the_package_the_workflow_goes_on(workflow):
    code, text, receiver = workflow(WORKFLOW.replace(", 13", ""), without=os.environ["PYTHONPATH"])
    assert code == 0, text
    assert "Taskbell reports nothing: the Python package taskbell is missing" in text
    assert receiver.requests == []
