"""A logger plugin of Snakemake: ``snakemake --logger taskbell``, with this folder on ``PYTHONPATH``.

Reports a workflow as one batch, named after its folder or by ``--logger-taskbell-name``. Snakemake runs log
plugins on a thread of their own. From https://snakemake.github.io/snakemake-plugin-catalog and
https://github.com/snakemake/snakemake-interface-logger-plugins.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

try:
    import taskbell
except ImportError:
    taskbell = None
    logging.getLogger("snakemake").warning("Taskbell reports nothing: the Python package taskbell is missing")


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """The options of the command line."""

    name: Optional[str] = field(default=None, metadata={"help": "Name of the workflow in messages"})


class LogHandler(LogHandlerBase):
    """Counts the jobs of a workflow; the receiver is that of ``TASKBELL_CONFIG``."""

    writes_to_stream = writes_to_file = has_formatter = needs_rulegraph = False
    has_filter = True

    def __post_init__(self) -> None:
        name = getattr(self.settings, "name", None) or Path.cwd().name
        self._job = taskbell.Job(name) if taskbell and not self.common_settings.dryrun else None
        self._has_begun = False
        self._fault: Optional[str] = None

    def emit(self, record: logging.LogRecord) -> None:
        """A line of the log, most of which are events of the workflow."""
        said: dict[str, Any] = vars(record)
        event = said.get("event")
        if self._job is None:
            return
        if event == LogEvent.RUN_INFO:
            self._has_begun, self._job.total = True, said.get("stats", {}).get("total")
        elif event == LogEvent.JOB_FINISHED:
            self._job.done()
            self._job.progress()
        elif event == LogEvent.JOB_ERROR:
            self._job.fail(*self._failed(said))
        elif event == LogEvent.ERROR:
            self._fault = record.getMessage()

    def _failed(self, said: dict[str, Any]) -> tuple[str, str]:
        made = ", ".join(map(str, said.get("output") or []))
        logs = ", ".join(map(str, said.get("log") or []))
        reason = said.get("rule_msg") or "the rule has failed"
        return (f"{said.get('rule_name')}: {made}" if made else str(said.get("rule_name"))), (
            f"{reason}; its log is {logs}" if logs else str(reason)
        )

    def close(self) -> None:
        """The workflow has ended, or something that Snakemake could not read."""
        super().close()
        if self._job is not None and (self._has_begun or self._fault):
            is_bad = bool(self._job.failed or self._fault)
            self._job.finish(None if self._job.failed else self._fault, status="error" if is_bad else None)
            self._job = None
