-- Asks for one approval after the other; every body is new, and about as long as a real one.
-- Arguments: a prefix for the external ids that no other slice uses, and the Authorization header.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "result.lua")
local prefix, authorization, count
local headers = {}

function init(args)
  prefix, authorization, count = args[1], args[2], 0
  headers["Content-Type"] = "application/json"
  headers["Authorization"] = authorization
end

local head = '{"externalId":"'
local rest = '","subject":"Turn on checkout-v2 for 25 percent of all customers","message":"'
  .. 'The new checkout has run for two weeks for our own people and for one percent of the customers. Error rate and latency '
  .. 'are the same as before, the conversion is a little better. We would like to open it for a quarter of the customers on '
  .. 'Tuesday morning and watch it for a day. To go back, turn the flag off.'
  .. '","facts":{"project":"shop","environment":"production","flag":"checkout-v2","risk":"medium","change":'
local tail = '}}'

function request()
  count = count + 1
  return wrk.format("POST", nil, headers, head .. prefix .. "-" .. count .. rest .. count .. tail)
end
