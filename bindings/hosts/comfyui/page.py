"""What the page in ComfyUI's settings asks the server."""

from __future__ import annotations

import asyncio
from typing import Any

from .service import SERVICE


def register(routes: Any) -> None:
    """Adds the routes to ComfyUI's own."""
    from aiohttp import web

    @routes.get("/taskbell/status")
    async def status(_request: Any) -> Any:
        stats = SERVICE.stats()
        numbers = ("accepted", "delivered", "pending", "retries", "dead", "params_ignored")
        return web.json_response(
            {
                "config": str(SERVICE.config),
                "fault": SERVICE.fault,
                "endpoints": {name: stats["lanes"][name] for name in SERVICE.endpoints()},
                "numbers": {name: stats[name] for name in numbers if name in stats},
            }
        )

    @routes.post("/taskbell/test")
    async def test(request: Any) -> Any:
        endpoint = (await request.json()).get("endpoint")
        fault = await asyncio.to_thread(SERVICE.note, str(endpoint), "A test message from ComfyUI")
        return web.json_response({"fault": fault})

    @routes.post("/taskbell/reload")
    async def reload(_request: Any) -> Any:
        return web.json_response({"fault": await asyncio.to_thread(SERVICE.look, again=True)})
