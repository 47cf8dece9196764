"""Taskbell for ComfyUI: reports the events of the queue, and brings two nodes and a page in the settings.

Nothing here raises into ComfyUI: errors are logged under ``taskbell``. See README.md.
"""

from __future__ import annotations

from typing import Any

from .guard import guarded, log
from .nodes import NODES, TITLES

NODE_CLASS_MAPPINGS: dict[str, Any] = NODES
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = TITLES
WEB_DIRECTORY = "./web"


def _start() -> None:
    from server import PromptServer

    from . import leaving, page, reporter
    from .service import SERVICE

    server = PromptServer.instance
    reporter.watch(server.prompt_queue, reporter.Reporter(SERVICE))
    server.add_on_prompt_handler(lambda body: guarded(reporter.take_webhook_url, body) or body)
    guarded(page.register, server.routes)
    SERVICE.start()
    SERVICE.emit("server.start")
    leaving.call_at_the_end(SERVICE.stop)


if guarded(_start, fallback=log) is log:
    log.error("nothing is sent")
