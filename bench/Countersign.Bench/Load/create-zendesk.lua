-- Asks for one approval after the other as a client of Zendesk's API does, each for a ticket of its own.
-- Arguments: the number of the first ticket, the id of the group that decides, and the Authorization header.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "result.lua")
local ticket, group
local headers = {}

function init(args)
  ticket, group = tonumber(args[1]), args[2]
  headers["Content-Type"] = "application/json"
  headers["Authorization"] = args[3]
end

local head = '{"subject":"Turn on checkout-v2 for 25 percent of all customers","message":"'
  .. 'The new checkout has run for two weeks for our own people and for one percent of the customers. Error rate and latency '
  .. 'are the same as before, the conversion is a little better. We would like to open it for a quarter of the customers on '
  .. 'Tuesday morning and watch it for a day. To go back, turn the flag off.","assignee_group_id":'

function request()
  ticket = ticket + 1
  return wrk.format("POST", nil, headers, head .. group .. ',"ticket_id":' .. string.format("%d", ticket) .. '}')
end
