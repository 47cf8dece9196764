--- Taskbell for Lua 5.1 to 5.4 and LuaJIT: report events; the library sends signed, retried webhooks from its own threads.
--
--     local taskbell = require("taskbell")
--     local bell = assert(taskbell.open("taskbell.toml"))
--     bell:task_complete('{"name": "frame 12"}')
--     bell:close()
--
-- A call that fails gives `nil`, the library's sentence, and the name of the status, such as "CONFIG". A value of a wrong
-- type is an error of Lua. A payload is JSON as text, or a table where `taskbell.encode` has a function that makes JSON
-- of it (`taskbell.encode = require("cjson").encode`).

local ok, native = pcall(require, jit and "taskbell.native_ffi" or "taskbell.native_c")
if not ok then
   native = require("taskbell.native_c")
end

local OK, CONFIG, TIMEOUT, SIGNATURE, NOT_FOUND = 0, 6, 7, 11, 13
local NAMES = {
   "INVALID_ARGUMENT",
   "INVALID_JSON",
   "TOO_LARGE",
   "QUEUE_FULL",
   "CLOSED",
   "CONFIG",
   "TIMEOUT",
   "SPOOL",
   "FORKED",
   "BUFFER_TOO_SMALL",
   "SIGNATURE",
   "PANIC",
   "NOT_FOUND",
}

local taskbell = {}

--- The longest time, in seconds, that closing an open bell takes at the end of the program.
taskbell.EXIT_TIMEOUT = 2

--- Makes JSON of a table, where it is set.
taskbell.encode = nil

local Bell = {}
Bell.__index = Bell

-- Held until they are closed.
local open = {}

-- Closes what is open when the state of Lua is closed. `os.exit(code)` does not close it, `os.exit(code, true)` does.
local function close_all()
   for bell in pairs(open) do
      bell:close(taskbell.EXIT_TIMEOUT)
   end
end

local at_exit

local function watch_the_end()
   if newproxy then
      at_exit = newproxy(true)
      getmetatable(at_exit).__gc = close_all
   else
      at_exit = setmetatable({}, { __gc = close_all })
   end
end

-- Raises a sentence when the library cannot be loaded.
local function load()
   if not at_exit then
      local why = native.load()
      if why then
         error(why, 0)
      end
      -- After the library, so that it is collected before it.
      watch_the_end()
   end
end

local function expect(value, kind, name)
   if type(value) ~= kind then
      error(name .. " must be a " .. kind .. ", not a " .. type(value), 3)
   end
   if kind == "string" and value:find("\0", 1, true) then
      error(name .. " must not have a NUL", 3)
   end
   return value
end

local function json_of(payload)
   if type(payload) == "table" and taskbell.encode then
      payload = taskbell.encode(payload)
   end
   if payload ~= nil and type(payload) ~= "string" then
      error("a payload must be JSON as a string, not a " .. type(payload) .. "; taskbell.encode makes it of tables", 3)
   end
   if payload and payload:find("\0", 1, true) then
      error("a payload must not have a NUL", 3)
   end
   return payload
end

local function milliseconds(seconds, usual)
   seconds = seconds == nil and usual or seconds
   if type(seconds) ~= "number" or seconds ~= seconds then
      error("a timeout must be a number of seconds, not a " .. type(seconds), 3)
   end
   return math.min(math.max(math.ceil(seconds * 1000), 0), 4294967295)
end

-- Nothing, the sentence, and the name of a status.
local function failure(status)
   return nil, native.last_error(), NAMES[status] or "ERROR_" .. status, status
end

local function done(status, value)
   if status ~= OK then
      return failure(status)
   end
   return value
end

-- Whether something happened in time.
local function in_time(status)
   if status == TIMEOUT then
      return false
   end
   return done(status, true)
end

-- The usual log: errors and warnings go to the standard error.
local function to_stderr(level, line)
   if level <= 2 then
      io.stderr:write("taskbell: ", line, "\n")
   end
end

local function new_bell(handle, log)
   local bell = setmetatable({ handle = handle, log = log or to_stderr, is_closed = false }, Bell)
   open[bell] = true
   bell:pass_log()
   return bell
end

--- Opens a bell from the path of a .toml or .json file, the URL of a receiver, or the text of a configuration.
-- `log`, if given, takes each line of the log: `log(level, line)`.
function taskbell.open(config, log)
   load()
   expect(config, "string", "config")
   if log ~= nil then
      expect(log, "function", "log")
   end
   local status, handle = native.open(config)
   if status ~= OK then
      return failure(status)
   end
   return new_bell(handle, log)
end

--- Passes the lines of the log that wait. Every method does it, too: Lua has no thread that could.
function Bell:pass_log()
   while true do
      local status, line, level = native.poll_log(self.handle)
      if status ~= OK then
         return
      end
      -- An error of the function stays here.
      pcall(self.log, level, line)
   end
end

--- Another function for the log; nil for the usual one.
function Bell:set_log(log)
   if log ~= nil then
      expect(log, "function", "log")
   end
   self:pass_log()
   -- Turned off and on, the log begins with what is in force, so that each function gets that.
   local status = native.log_off(self.handle)
   self.log = log or to_stderr
   self:pass_log()
   return done(status, true)
end

-- Makes a call of a bell, and passes the log. The library recognises a closed one.
local function call(self, function_name, ...)
   local status, text = native[function_name](self.handle, ...)
   if status == OK then
      self:pass_log()
   end
   return status, text
end

--- Reports an event of any type, without waiting. Gives its ticket.
function Bell:emit(kind, payload)
   expect(kind, "string", "type")
   return done(call(self, "emit", kind, json_of(payload)))
end

--- Reports a completed task.
function Bell:task_complete(task)
   return self:emit("task.complete", json_of(task))
end

--- Reports that the queue is empty; the library counts it itself.
function Bell:queue_end(queue)
   return self:emit("queue.end", json_of(queue))
end

--- Reports the value of a metric, for alerts.
function Bell:metric(name, value)
   expect(name, "string", "name")
   expect(value, "number", "value")
   return done(call(self, "metric", name, value), true)
end

--- Whether every delivery of that event has ended within the time, in seconds.
function Bell:wait(ticket, timeout)
   expect(ticket, "number", "ticket")
   return in_time(call(self, "wait", ticket, milliseconds(timeout, 30)))
end

--- Whether all accepted events are on the disk within the time.
function Bell:sync(timeout)
   return in_time(call(self, "sync", milliseconds(timeout, 5)))
end

--- Whether all accepted events have been tried once within the time.
function Bell:flush(timeout)
   return in_time(call(self, "flush", milliseconds(timeout, 5)))
end

--- The next report of an ended delivery, as JSON; false when none is available.
function Bell:poll()
   local status, text = call(self, "poll")
   if status == NOT_FOUND then
      return false
   end
   return done(status, text)
end

--- Counters and gauges, as JSON.
function Bell:stats()
   return done(call(self, "stats"))
end

--- Applies another configuration, as a whole or not at all.
function Bell:reload(config)
   expect(config, "string", "config")
   return done(call(self, "reload", config), true)
end

--- Delivers what it can within the time, in seconds, and stops. Gives the number of deliveries left for the next start.
function Bell:close(timeout)
   local limit = milliseconds(timeout, 5)
   if self.is_closed then
      return 0
   end
   self.is_closed = true
   open[self] = nil
   local status, left = native.close(self.handle, limit)
   self:pass_log()
   return done(status, left)
end

-- A bell may be a variable of Lua 5.4 with the attribute `close`.
Bell.__close = function(bell)
   bell:close(taskbell.EXIT_TIMEOUT)
end

-- The default bell, whose handle is NULL.
local default

local function attach()
   if not default or default.is_closed then
      default = new_bell(nil)
   else
      default:pass_log()
   end
   return true
end

--- Opens the default bell, which the next functions use.
function taskbell.init(config)
   load()
   local status = native.init(expect(config, "string", "config"))
   if status ~= OK then
      return failure(status)
   end
   return attach()
end

--- Closes the default bell. Gives the number of deliveries left for the next start.
function taskbell.shutdown(timeout)
   milliseconds(timeout, 5)
   return default and default:close(timeout) or 0
end

--- Reports a completed task. Opens the default bell from $TASKBELL_CONFIG, else ./taskbell.toml, the first time.
function taskbell.on_task_complete(task)
   load()
   local status = native.on_task_complete(json_of(task))
   if status ~= OK then
      return failure(status)
   end
   return attach()
end

--- Reports that the queue is empty.
function taskbell.on_queue_end(queue)
   load()
   local status = native.on_queue_end(json_of(queue))
   if status ~= OK then
      return failure(status)
   end
   return attach()
end

--- Checks a configuration without opening anything: a JSON report with `ok`, `errors` and `warnings`.
function taskbell.check(config)
   load()
   local status, report = native.check(expect(config, "string", "config"))
   if status == CONFIG and report ~= "" then
      return report
   end
   return done(status, report)
end

--- The requests that an event would cause, as JSON, with secrets removed; without a payload, those of a sample event.
function taskbell.preview(config, kind, payload)
   load()
   expect(config, "string", "config")
   expect(kind, "string", "type")
   return done(native.preview(config, kind, json_of(payload)))
end

--- For receivers: whether a received body has a valid signature. `now` is a Unix time in seconds; nil is the clock.
function taskbell.verify(scheme_json, headers_json, body, now)
   load()
   expect(scheme_json, "string", "scheme_json")
   expect(headers_json, "string", "headers_json")
   if type(body) ~= "string" then
      error("body must be a string, not a " .. type(body), 2)
   end
   local status = native.verify(scheme_json, headers_json, body, expect(now or 0, "number", "now"))
   if status == SIGNATURE then
      return false
   end
   return done(status, true)
end

--- The version of the loaded library.
function taskbell.version()
   load()
   return native.version()
end

--- The number of the ABI of the loaded library.
function taskbell.abi_version()
   load()
   return native.abi_version()
end

return taskbell
