"""ComfyUI's server and prompt queue (0.3.64), as far as a custom node package sees them."""

from __future__ import annotations

import copy
import heapq
import threading
from typing import Any, Callable, NamedTuple


class ExecutionStatus(NamedTuple):
    status_str: str
    completed: bool
    messages: list[Any]


class PromptQueue:
    """One worker takes items and hands them back; the rest may be asked from any thread."""

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self.not_empty = threading.Condition(self.mutex)
        self.task_counter = 0
        self.queue: list[Any] = []
        self.currently_running: dict[int, Any] = {}
        self.history: dict[str, Any] = {}

    def put(self, item: Any) -> None:
        with self.mutex:
            heapq.heappush(self.queue, item)
            self.not_empty.notify()

    def get(self, timeout: float | None = None) -> Any:
        with self.not_empty:
            while not self.queue:
                self.not_empty.wait(timeout=timeout)
                if timeout is not None and not self.queue:
                    return None
            item = heapq.heappop(self.queue)
            number = self.task_counter
            self.currently_running[number] = copy.deepcopy(item)
            self.task_counter += 1
            return item, number

    def task_done(
        self, item_id: int, history_result: Any, status: ExecutionStatus | None, process_item: Any = None
    ) -> None:
        with self.mutex:
            prompt = self.currently_running.pop(item_id)
            if process_item is not None:
                prompt = process_item(prompt)
            self.history[prompt[1]] = {"prompt": prompt, "outputs": {}, "status": status}
            self.history[prompt[1]].update(history_result)

    def get_tasks_remaining(self) -> int:
        with self.mutex:
            return len(self.queue) + len(self.currently_running)


class Routes:
    """aiohttp's table of routes: a decorator for each method."""

    def __init__(self) -> None:
        self.handlers: dict[tuple[str, str], Callable[..., Any]] = {}

    def _add(self, method: str, path: str) -> Callable[[Any], Any]:
        def keep(handler: Any) -> Any:
            self.handlers[method, path] = handler
            return handler

        return keep

    def get(self, path: str) -> Callable[[Any], Any]:
        return self._add("GET", path)

    def post(self, path: str) -> Callable[[Any], Any]:
        return self._add("POST", path)


class PromptServer:
    instance: PromptServer

    def __init__(self) -> None:
        self.prompt_queue = PromptQueue()
        self.routes = Routes()
        self.on_prompt_handlers: list[Callable[[Any], Any]] = []

    def add_on_prompt_handler(self, handler: Callable[[Any], Any]) -> None:
        self.on_prompt_handlers.append(handler)


PromptServer.instance = PromptServer()
