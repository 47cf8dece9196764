// The functions of taskbell.h for Lua 5.1 to 5.4: each gives the status of its call, then what it writes. The types of
// arguments are checked here too, so that no value of Lua's reaches the library as another type.
#include "taskbell_load.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <stdlib.h>

static taskbell_t *bell_at(lua_State *lua, int index) {
    luaL_argcheck(lua, lua_isnil(lua, index) || lua_islightuserdata(lua, index), index, "a bell is expected");
    return (taskbell_t *)lua_touserdata(lua, index);
}

static uint32_t milliseconds_at(lua_State *lua, int index) {
    const lua_Number value = luaL_checknumber(lua, index);
    return value > 0 ? value < 4294967295.0 ? (uint32_t)value : 4294967295U : 0;
}

static int status_of(lua_State *lua, int32_t status) {
    lua_pushinteger(lua, status);
    return 1;
}

/* A call that fills a buffer, with what it is called with. */
typedef int32_t (*filling)(lua_State *lua, char *buf, size_t cap, size_t *needed);

/* Pushes the status and the text. The buffer is Lua's, so that an error of Lua's leaves none behind. */
static int text_of(lua_State *lua, filling call) {
    size_t cap = 4096;
    for (;;) {
        size_t needed = 0;
        char *buf = (char *)lua_newuserdata(lua, cap);
        buf[0] = '\0';
        const int32_t status = call(lua, buf, cap, &needed);
        if (status != TASKBELL_ERR_BUFFER_TOO_SMALL) {
            lua_pushinteger(lua, status);
            lua_pushstring(lua, buf);
            return 2;
        }
        lua_pop(lua, 1);
        cap = needed > cap ? needed : cap + 1;
    }
}

static int load(lua_State *lua) {
    lua_pushstring(lua, taskbell_load());
    return 1;
}

static int version(lua_State *lua) {
    lua_pushstring(lua, taskbell_version());
    return 1;
}

static int abi_version(lua_State *lua) {
    lua_pushinteger(lua, (lua_Integer)taskbell_abi_version());
    return 1;
}

static int32_t fill_last_error(lua_State *lua, char *buf, size_t cap, size_t *needed) {
    (void)lua;
    return taskbell_last_error(buf, cap, needed);
}

static int last_error(lua_State *lua) {
    text_of(lua, fill_last_error);
    return 1;
}

static int init(lua_State *lua) { return status_of(lua, taskbell_init(luaL_checkstring(lua, 1))); }

static int shutdown_default(lua_State *lua) { return status_of(lua, taskbell_shutdown(milliseconds_at(lua, 1))); }

static int task_complete(lua_State *lua) { return status_of(lua, on_task_complete(luaL_optstring(lua, 1, NULL))); }

static int queue_end(lua_State *lua) { return status_of(lua, on_queue_end(luaL_optstring(lua, 1, NULL))); }

static int open(lua_State *lua) {
    taskbell_t *bell = NULL;
    lua_pushinteger(lua, taskbell_open(luaL_checkstring(lua, 1), &bell));
    lua_pushlightuserdata(lua, bell);
    return 2;
}

static int close(lua_State *lua) {
    uint64_t left = 0;
    lua_pushinteger(lua, taskbell_close(bell_at(lua, 1), milliseconds_at(lua, 2), &left));
    lua_pushinteger(lua, (lua_Integer)left);
    return 2;
}

static int reload(lua_State *lua) {
    return status_of(lua, taskbell_reload(bell_at(lua, 1), luaL_checkstring(lua, 2)));
}

static int emit(lua_State *lua) {
    uint64_t ticket = 0;
    size_t length = 0;
    const char *json = luaL_optlstring(lua, 3, NULL, &length);
    lua_pushinteger(lua, taskbell_emit(bell_at(lua, 1), luaL_checkstring(lua, 2), json, length, &ticket));
    lua_pushinteger(lua, (lua_Integer)ticket);
    return 2;
}

static int metric(lua_State *lua) {
    return status_of(lua, taskbell_metric(bell_at(lua, 1), luaL_checkstring(lua, 2), luaL_checknumber(lua, 3)));
}

static int wait_for(lua_State *lua) {
    const uint64_t ticket = (uint64_t)luaL_checknumber(lua, 2);
    return status_of(lua, taskbell_wait(bell_at(lua, 1), ticket, milliseconds_at(lua, 3)));
}

static int sync_all(lua_State *lua) { return status_of(lua, taskbell_sync(bell_at(lua, 1), milliseconds_at(lua, 2))); }

static int flush(lua_State *lua) { return status_of(lua, taskbell_flush(bell_at(lua, 1), milliseconds_at(lua, 2))); }

static int32_t fill_poll(lua_State *lua, char *buf, size_t cap, size_t *needed) {
    return taskbell_poll(bell_at(lua, 1), buf, cap, needed);
}

static int poll(lua_State *lua) { return text_of(lua, fill_poll); }

static int32_t fill_stats(lua_State *lua, char *buf, size_t cap, size_t *needed) {
    return taskbell_stats(bell_at(lua, 1), buf, cap, needed);
}

static int stats(lua_State *lua) { return text_of(lua, fill_stats); }

static int log_off(lua_State *lua) { return status_of(lua, taskbell_set_log(bell_at(lua, 1), NULL, NULL)); }

static int32_t fill_poll_log(lua_State *lua, char *buf, size_t cap, size_t *needed) {
    int32_t level = 0;
    const int32_t status = taskbell_poll_log(bell_at(lua, 1), &level, buf, cap, needed);
    /* The second argument is the level, for `poll_log`. */
    lua_pushinteger(lua, level);
    lua_replace(lua, 2);
    return status;
}

static int poll_log(lua_State *lua) {
    lua_settop(lua, 2);
    text_of(lua, fill_poll_log);
    lua_pushvalue(lua, 2);
    return 3;
}

static int32_t fill_check(lua_State *lua, char *buf, size_t cap, size_t *needed) {
    return taskbell_check(luaL_checkstring(lua, 1), buf, cap, needed);
}

static int check(lua_State *lua) { return text_of(lua, fill_check); }

static int32_t fill_preview(lua_State *lua, char *buf, size_t cap, size_t *needed) {
    const char *json = luaL_optstring(lua, 3, NULL);
    return taskbell_preview(luaL_checkstring(lua, 1), luaL_checkstring(lua, 2), json, buf, cap, needed);
}

static int preview(lua_State *lua) {
    lua_settop(lua, 3);
    return text_of(lua, fill_preview);
}

static int verify(lua_State *lua) {
    size_t length = 0;
    const char *body = luaL_checklstring(lua, 3, &length);
    const uint64_t now = (uint64_t)luaL_checknumber(lua, 4);
    return status_of(lua, taskbell_verify(luaL_checkstring(lua, 1), luaL_checkstring(lua, 2), body, length, now));
}

static const luaL_Reg calls[] = {
    {"load", load},
    {"version", version},
    {"abi_version", abi_version},
    {"last_error", last_error},
    {"init", init},
    {"shutdown", shutdown_default},
    {"on_task_complete", task_complete},
    {"on_queue_end", queue_end},
    {"open", open},
    {"close", close},
    {"reload", reload},
    {"emit", emit},
    {"metric", metric},
    {"wait", wait_for},
    {"sync", sync_all},
    {"flush", flush},
    {"poll", poll},
    {"stats", stats},
    {"log_off", log_off},
    {"poll_log", poll_log},
    {"check", check},
    {"preview", preview},
    {"verify", verify},
};

#if defined(_WIN32)
__declspec(dllexport)
#endif
int luaopen_taskbell_native_c(lua_State *lua);

int luaopen_taskbell_native_c(lua_State *lua) {
    lua_newtable(lua);
    for (size_t index = 0; index < sizeof calls / sizeof calls[0]; index++) {
        lua_pushcfunction(lua, calls[index].func);
        lua_setfield(lua, -2, calls[index].name);
    }
    return 1;
}
