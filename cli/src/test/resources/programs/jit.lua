-- Has LuaJIT compile functions that are made at run time, throw all machine code away, and compile others in its
-- place. Prints what they compute.
local rounds, functions, loops = tonumber(arg[1]), 8, 200000
local state = 42
local function random(n)
  state = (state * 16807) % 2147483647
  return state % n
end
local compiled = false
local operators = { "+", "-", "*" }

local function make()
  local body = {}
  for i = 1, 2 + random(6) do
    body[i] = ("x = (x %s %d) %% %d"):format(operators[1 + random(3)], 1 + random(1000), 1000 + random(100000))
  end
  body[#body + 1] = ("t[i %% 16] = x + %d"):format(random(100))
  body[#body + 1] = ("if x %% %d == 0 then s = s + t[(i + 3) %% 16] end"):format(2 + random(9))
  return assert(loadstring(([[
    local t = {}
    for i = 0, 15 do t[i] = i end
    local s, x = 0, %d
    for i = 1, %d do
      %s
    end
    return s + x]]):format(random(1000), loops, table.concat(body, "\n"))))
end

print(jit.status() and "the JIT is on" or "the JIT is off")
for round = 1, rounds do
  local sum = 0
  for i = 1, functions do
    sum = sum + make()()
  end
  for trace = 1, 100 do
    compiled = compiled or require("jit.util").traceinfo(trace) ~= nil
  end
  jit.flush()
  print(round, ("%.17g"):format(sum))
end
print(compiled and "compiled" or "only interpreted")
