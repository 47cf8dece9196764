"""Taskbell for Blender: reports rendered frames, animations, and what was cancelled.

Errors of this add-on are printed and never raised into a render. See README.md.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from .renders import Renders
from .service import SERVICE

bl_info = {
    "name": "Taskbell",
    "author": "Taskbell",
    "version": (0, 1, 0),
    "blender": (3, 3, 0),
    "location": "Preferences > Add-ons > Taskbell",
    "description": "Notifies people and systems when frames and animations are done",
    "category": "Render",
}

RENDERS = Renders(SERVICE)


@persistent
def _begin(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    SERVICE.guarded(RENDERS.begin, scene)


@persistent
def _frame(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    SERVICE.guarded(RENDERS.frame_begins, scene)


@persistent
def _written(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    SERVICE.guarded(RENDERS.frame_written, scene)


@persistent
def _complete(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    SERVICE.guarded(RENDERS.end, scene, "success")


@persistent
def _cancel(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    SERVICE.guarded(RENDERS.end, scene, "cancelled")


HANDLERS = {
    "render_init": _begin,
    "render_pre": _frame,
    "render_write": _written,
    "render_complete": _complete,
    "render_cancel": _cancel,
}


class TaskbellTest(bpy.types.Operator):
    """Send a test message to every endpoint that a hook for task.note names"""

    bl_idname = "taskbell.test"
    bl_label = "Send a test"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Sends it."""
        fault = SERVICE.note("A test message from Blender")
        self.report({"ERROR" if fault else "INFO"}, fault or "A test is on its way.")
        return {"FINISHED"}


class TaskbellReload(bpy.types.Operator):
    """Read Taskbell's configuration again"""

    bl_idname = "taskbell.reload"
    bl_label = "Reload the configuration"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Applies it."""
        fault = SERVICE.apply(_path_in(context))
        self.report({"ERROR" if fault else "INFO"}, fault or "The configuration is in force.")
        return {"FINISHED"}


class TaskbellPreferences(bpy.types.AddonPreferences):
    """Where the configuration is."""

    bl_idname = __package__

    config: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Configuration", subtype="FILE_PATH", description="Empty: taskbell.toml in Blender's own folder"
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Shows the path, what is wrong, and two buttons."""
        self.layout.prop(self, "config")
        self.layout.label(text=SERVICE.fault or f"{SERVICE.config} is in force")
        row = self.layout.row()
        row.operator(TaskbellTest.bl_idname)
        row.operator(TaskbellReload.bl_idname)


CLASSES = (TaskbellTest, TaskbellReload, TaskbellPreferences)


def _path_in(context: bpy.types.Context) -> str:
    addon = context.preferences.addons.get(__package__)
    chosen = getattr(addon.preferences, "config", "") if addon and addon.preferences else ""
    return bpy.path.abspath(chosen)


def register() -> None:
    """Called by Blender when the add-on is switched on."""
    for one in CLASSES:
        bpy.utils.register_class(one)
    for name, handler in HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)
    SERVICE.start(_path_in(bpy.context))


def unregister() -> None:
    """Called by Blender when the add-on is switched off."""
    for name, handler in HANDLERS.items():
        getattr(bpy.app.handlers, name).remove(handler)
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
    SERVICE.stop()
