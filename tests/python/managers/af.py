"""A stub of CGRU's ``af``: the JSON of afserver as libafanasy writes it (job.cpp, blockdata.cpp)."""

from __future__ import annotations

BLOCKS = [
    {"name": "render", "tasks_num": 10, "p_tasks_done": 7, "p_tasks_error": 2, "p_tasks_skipped": 1},
    {"name": "movie", "tasks_num": 1, "p_tasks_waitdep": 1},
]
JOB = {"id": 4, "serial": 17, "name": "shot 042", "user_name": "ada", "time_started": 100, "blocks": BLOCKS}


class Cmd:
    """Requests to afserver; None where it does not answer."""

    def getJobList(self, verbose=False, ids=None):
        return [{"id": 3, "serial": 16, "name": "other"}, {"id": 4, "serial": 17, "name": "shot 042"}]

    def getJobInfo(self, jobId, verbose=False):
        return [JOB] if jobId == 4 else None
