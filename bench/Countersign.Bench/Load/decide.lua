-- Approves one waiting request after the other, each once.
-- Arguments: a file with one request id per line, how many of its lines to skip, and the Authorization header.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "result.lua")
local ids, at = {}, 0
local headers = {}

function init(args)
  local skip = tonumber(args[2])
  for line in io.lines(args[1]) do
    if skip > 0 then skip = skip - 1 else ids[#ids + 1] = line end
  end
  headers["Content-Type"] = "application/json"
  headers["Authorization"] = args[3]
end

-- The same for the control, whose path is fixed and which only keeps the body.
function request()
  at = at + 1
  local id = ids[at]
  if id == nil then
    -- Shows as an error in the result: the slice had too few requests.
    return wrk.format("POST", "/out-of-requests", headers, "{}")
  end
  return wrk.format("POST", "/api/v1/requests/" .. id .. "/decisions", headers, '{"answer":"approve","note":"Looked at the numbers of last week, go ahead."}')
end
