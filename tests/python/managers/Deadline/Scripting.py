"""``RepositoryUtils`` with one job of ten tasks, of which two have failed."""

from __future__ import annotations

from types import SimpleNamespace as Thing


class Instant:
    """A ``System.DateTime``."""

    def __init__(self, seconds):
        self.seconds = seconds

    def Subtract(self, other):
        return Thing(TotalSeconds=self.seconds - other.seconds)


JOB = Thing(
    JobId="65a1",
    JobName="shot 042",
    JobUserName="ada",
    JobTaskCount=10,
    JobCompletedTasks=7,
    JobFailedTasks=2,
    JobStartedDateTime=Instant(100.0),
    JobCompletedDateTime=Instant(160.5),
)


class RepositoryUtils:
    """Static functions over the repository."""

    @staticmethod
    def GetJob(job_id, _invalidate):
        assert job_id == JOB.JobId
        return JOB

    @staticmethod
    def GetJobTasks(_job, _invalidate):
        states = {17: "Failed", 18: "Failed", 19: "Suspended"}
        tasks = [
            Thing(
                TaskId=str(frame - 10), TaskFrameString=str(frame), TaskStatus=states.get(frame, "Completed")
            )
            for frame in range(10, 20)
        ]
        return Thing(TaskCollectionTasks=tasks)

    @staticmethod
    def GetJobReports(_job_id):
        reports = {"7": [Thing(ReportTitle="an older one"), Thing(ReportTitle="Error: no light")]}
        return Thing(GetTaskErrorReports=lambda task_id: reports.get(task_id, []))
