"""``tractor.api.query``: lists of dictionaries with the columns that were asked for."""

from __future__ import annotations

JOB = {
    "jid": 12,
    "title": "shot 042",
    "owner": "ada",
    "numtasks": 10,
    "numdone": 8,
    "numerror": 1,
    "elapsedsecs": 61.5,
}
TASK = {"jid": 12, "tid": 5, "title": "frame 17", "Invocation.rcode": 1}


def jobs(search="", columns=(), sortby=(), limit=0, archives=False):
    return [{name: JOB[name] for name in columns}] if search == "jid=12" else []


def tasks(search="", columns=(), sortby=(), limit=0, archives=False):
    assert search == "jid=12 and error", search
    return [{name: TASK[name] for name in columns}][:limit]
