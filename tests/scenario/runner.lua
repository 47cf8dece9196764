-- The scenario in Lua: reads a call per line, fields separated by tabs, and answers in one line.

local PLAIN = { t = "\t", n = "\n", r = "\r", ["\\"] = "\\" }
local ESCAPES = { ["\\"] = "\\\\", ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r" }

local function unescaped(field)
   if field == "\\N" then
      return nil
   end
   return (field:gsub("\\(.)", PLAIN))
end

local function answer(...)
   local fields = { ... }
   for index, field in ipairs(fields) do
      fields[index] = tostring(field):gsub("[\\\t\n\r]", ESCAPES)
   end
   io.write(table.concat(fields, "\t"), "\n")
   io.flush()
end

local taskbell = require("taskbell")
local is_loaded, version = pcall(taskbell.version)
if not is_loaded then
   answer("unusable", version)
   return
end
answer("ready", version)

local bells, logged = {}, {}

local function set_log(throws)
   return function(name)
      logged = {}
      return bells[name]:set_log(function(level, line)
         logged[#logged + 1] = level .. " " .. line
         if throws then
            error("a log function that fails")
         end
      end)
   end
end

local function wrong(name)
   local bell = bells[name]
   local calls = {
      function() bell:emit(7, "{}") end,
      function() bell:emit("test.event", 7) end,
      function() bell:emit(nil, "{}") end,
      function() bell:emit("test.event", {}) end,
      function() bell:emit("test\0event", "{}") end,
      function() bell:metric("a", "1") end,
      function() bell:wait("first") end,
      function() bell:set_log("log") end,
      function() taskbell.open(7) end,
   }
   for number, call in ipairs(calls) do
      if pcall(call) then
         return number .. " was taken"
      end
   end
   return "each was a wrong type"
end

local function s(milliseconds)
   return tonumber(milliseconds) / 1000
end

local calls = {
   version = taskbell.version,
   abi = taskbell.abi_version,
   init = taskbell.init,
   shutdown = function(limit) return taskbell.shutdown(s(limit)) end,
   task = taskbell.on_task_complete,
   queue = taskbell.on_queue_end,
   open = function(name, config)
      local bell, why, code, status = taskbell.open(config)
      bells[name] = bell
      return bell and true, why, code, status
   end,
   close = function(name, limit) return bells[name]:close(s(limit)) end,
   reload = function(name, config) return bells[name]:reload(config) end,
   emit = function(name, kind, payload) return bells[name]:emit(kind, payload) end,
   metric = function(name, metric, value) return bells[name]:metric(metric, tonumber(value)) end,
   wait = function(name, ticket, limit) return bells[name]:wait(tonumber(ticket), s(limit)) end,
   sync = function(name, limit) return bells[name]:sync(s(limit)) end,
   flush = function(name, limit) return bells[name]:flush(s(limit)) end,
   poll = function(name)
      local report, why, code, status = bells[name]:poll()
      return report == false and "none" or report, why, code, status
   end,
   stats = function(name) return bells[name]:stats() end,
   log = set_log(false),
   throw = set_log(true),
   logged = function() return table.concat(logged, "\n") end,
   check = taskbell.check,
   preview = taskbell.preview,
   verify = function(scheme, headers, body, now) return taskbell.verify(scheme, headers, body, tonumber(now)) end,
   wrong = wrong,
}

for line in io.lines() do
   local field, count = {}, 0
   for text in (line .. "\t"):gmatch("([^\t]*)\t") do
      count = count + 1
      field[count] = unescaped(text)
   end
   local unpack = table.unpack or unpack
   local is_called, value, why, _, status = pcall(calls[field[1]], unpack(field, 2, count))
   if not is_called then
      answer("error", "error", value)
   elseif value == nil then
      answer("error", status, why)
   else
      answer("ok", value)
   end
end
