-- Reports frames and the end of the queue: lua render.lua CONFIG
local taskbell = require("taskbell")

local bell = assert(taskbell.open(arg[1] or "./taskbell.toml", print))
for frame = 1, 3 do
   assert(bell:task_complete(('{"name": "frame %d", "duration_s": 12.5}'):format(frame)))
end
local ticket = assert(bell:queue_end())
print(bell:wait(ticket, 20) and "everybody knows" or "still waiting")
print(assert(bell:close()) .. " left for the next start")
