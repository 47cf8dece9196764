-- The functions of taskbell.h for LuaJIT, without a compiler. Each gives the status of its call, then what it writes.
-- A test compares the declarations with taskbell.abi.json.

local ffi = require("ffi")

ffi.cdef([[
typedef struct taskbell_t taskbell_t;
typedef void (*taskbell_log_fn)(void *userdata, int32_t level, const char *message);
int32_t on_task_complete(const char *task_json);
int32_t on_queue_end(const char *queue_json);
int32_t taskbell_emit(taskbell_t *bell, const char *type, const char *json, size_t json_len, uint64_t *ticket);
int32_t taskbell_metric(taskbell_t *bell, const char *name, double value);
int32_t taskbell_wait(taskbell_t *bell, uint64_t ticket, uint32_t timeout_ms);
int32_t taskbell_sync(taskbell_t *bell, uint32_t timeout_ms);
int32_t taskbell_flush(taskbell_t *bell, uint32_t timeout_ms);
int32_t taskbell_poll(taskbell_t *bell, char *buf, size_t cap, size_t *needed);
int32_t taskbell_stats(taskbell_t *bell, char *buf, size_t cap, size_t *needed);
int32_t taskbell_set_log(taskbell_t *bell, taskbell_log_fn fn, void *userdata);
int32_t taskbell_poll_log(taskbell_t *bell, int32_t *level, char *buf, size_t cap, size_t *needed);
int32_t taskbell_init(const char *config);
int32_t taskbell_shutdown(uint32_t timeout_ms);
int32_t taskbell_open(const char *config, taskbell_t **out);
int32_t taskbell_close(taskbell_t *bell, uint32_t timeout_ms, uint64_t *undelivered);
int32_t taskbell_reload(taskbell_t *bell, const char *config);
int32_t taskbell_check(const char *config, char *buf, size_t cap, size_t *needed);
int32_t taskbell_preview(const char *config, const char *type, const char *json, char *buf, size_t cap, size_t *needed);
int32_t taskbell_verify(const char *scheme_json, const char *headers_json, const char *body, size_t body_len, uint64_t now_unix_s);
int32_t taskbell_last_error(char *buf, size_t cap, size_t *needed);
uint32_t taskbell_abi_version(void);
const char *taskbell_version(void);
]])

local ABI_VERSION = 1
local BUFFER_TOO_SMALL = 10

local native = {}
local C

local names = { Windows = "taskbell.dll", OSX = "libtaskbell.dylib" }

local function exists(path)
   local file = io.open(path, "rb")
   if file then
      file:close()
   end
   return file ~= nil
end

-- What is wrong with a library that cannot be loaded, and what to do.
local function why(place, fault)
   if fault:find("GLIBC_", 1, true) then
      return "it needs a newer glibc than this system has (" .. fault .. "): install a build for older systems"
   elseif fault:find("undefined symbol", 1, true) or fault:find("cannot resolve", 1, true) then
      return "it lacks a function (" .. fault .. "): use a library and a binding of the same release"
   elseif exists(place) then
      return "it is no library for this system and processor, " .. jit.os .. " on " .. jit.arch .. " (" .. fault
         .. "): use the one for this system"
   end
   return "there is no such file: set TASKBELL_LIBRARY to the path of the library, or install it where the system looks"
end

-- Opens the library the first time. Nothing, or a sentence.
function native.load()
   if C then
      return nil
   end
   local named = os.getenv("TASKBELL_LIBRARY")
   local place = named ~= nil and named ~= "" and named or names[jit.os] or "libtaskbell.so"
   local ok, found = pcall(function()
      local library = ffi.load(place)
      -- The newest function of this binding: what lacks it is too old.
      return library.taskbell_poll_log and library
   end)
   if not ok then
      return "cannot load the Taskbell library from " .. place .. ": " .. why(place, tostring(found))
   end
   if found.taskbell_abi_version() ~= ABI_VERSION then
      return "the Taskbell library " .. place .. " has ABI version " .. found.taskbell_abi_version()
         .. ", this binding needs " .. ABI_VERSION .. ": use a library and a binding of the same release"
   end
   C = found
end

-- Calls with a buffer of the size that the text needs; it may grow between two calls.
local function text_of(call)
   local size = 4096
   while true do
      local buffer, needed = ffi.new("char[?]", size), ffi.new("size_t[1]")
      local status = call(buffer, size, needed)
      if status ~= BUFFER_TOO_SMALL then
         return status, ffi.string(buffer)
      end
      size = math.max(tonumber(needed[0]), size + 1)
   end
end

function native.version()
   return ffi.string(C.taskbell_version())
end

function native.abi_version()
   return tonumber(C.taskbell_abi_version())
end

function native.last_error()
   local _, text = text_of(function(...) return C.taskbell_last_error(...) end)
   return text
end

function native.init(config)
   return C.taskbell_init(config)
end

function native.shutdown(timeout_ms)
   return C.taskbell_shutdown(timeout_ms)
end

function native.on_task_complete(json)
   return C.on_task_complete(json)
end

function native.on_queue_end(json)
   return C.on_queue_end(json)
end

function native.open(config)
   local out = ffi.new("taskbell_t *[1]")
   local status = C.taskbell_open(config, out)
   return status, out[0]
end

function native.close(bell, timeout_ms)
   local left = ffi.new("uint64_t[1]")
   local status = C.taskbell_close(bell, timeout_ms, left)
   return status, tonumber(left[0])
end

function native.reload(bell, config)
   return C.taskbell_reload(bell, config)
end

function native.emit(bell, kind, json)
   local ticket = ffi.new("uint64_t[1]")
   local status = C.taskbell_emit(bell, kind, json, json and #json or 0, ticket)
   return status, tonumber(ticket[0])
end

function native.metric(bell, name, value)
   return C.taskbell_metric(bell, name, value)
end

function native.wait(bell, ticket, timeout_ms)
   return C.taskbell_wait(bell, ticket, timeout_ms)
end

function native.sync(bell, timeout_ms)
   return C.taskbell_sync(bell, timeout_ms)
end

function native.flush(bell, timeout_ms)
   return C.taskbell_flush(bell, timeout_ms)
end

function native.poll(bell)
   return text_of(function(...) return C.taskbell_poll(bell, ...) end)
end

function native.stats(bell)
   return text_of(function(...) return C.taskbell_stats(bell, ...) end)
end

function native.log_off(bell)
   return C.taskbell_set_log(bell, nil, nil)
end

function native.poll_log(bell)
   local level = ffi.new("int32_t[1]")
   local status, text = text_of(function(...) return C.taskbell_poll_log(bell, level, ...) end)
   return status, text, level[0]
end

function native.check(config)
   return text_of(function(...) return C.taskbell_check(config, ...) end)
end

function native.preview(config, kind, json)
   return text_of(function(...) return C.taskbell_preview(config, kind, json, ...) end)
end

function native.verify(scheme, headers, body, now)
   return C.taskbell_verify(scheme, headers, body, #body, now)
end

return native
