-- Calls a gate, one signed call after the other, each with an id of its own.
-- Arguments: a file whose first line is the body with @ID@ in it and whose others are an id and its signature each, how
-- many of those to skip, the name of the header for the signature, and other headers as names and values.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "result.lua")
local most = 200000
local parts, ids, signatures, at, name = {}, {}, {}, 0, nil
local headers = {}

function init(args)
  local skip, first = tonumber(args[2]), true
  for line in io.lines(args[1]) do
    if first then
      first = false
      for part in (line .. "@ID@"):gmatch("(.-)@ID@") do parts[#parts + 1] = part end
    elseif skip > 0 then
      skip = skip - 1
    else
      ids[#ids + 1], signatures[#signatures + 1] = line:match("^(%S+) (%S+)$")
      if #ids == most then break end
    end
  end
  name = args[3]
  headers["Content-Type"] = "application/json"
  for i = 4, #args, 2 do headers[args[i]] = args[i + 1] end
end

function request()
  at = at + 1
  local id = ids[at]
  if id == nil then
    -- Shows as an error in the result: the slice had too few calls.
    return wrk.format("POST", "/out-of-calls", headers, "{}")
  end
  headers[name] = signatures[at]
  return wrk.format("POST", nil, headers, table.concat(parts, id))
end
