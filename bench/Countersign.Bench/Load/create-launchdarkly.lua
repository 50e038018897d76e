-- Asks for one approval after the other as LaunchDarkly does; every body is new, and about as long as a real one.
-- Arguments: a prefix for the ids that no other slice uses, and the Authorization header.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "result.lua")
local prefix, count
local headers = {}

function init(args)
  prefix, count = args[1], 0
  headers["Content-Type"] = "application/json"
  headers["Authorization"] = args[2]
end

local head = '{"_site":{"href":"https://ld.example.com/shop/production/features/checkout-v2/approvals/x"},"_id":"'
local rest = '","details":"Created approval request: Open the new checkout for a quarter of the customers\\n'
  .. 'Requested change is:\\n* Set the percentage rollout of the default rule to 25 percent true and 75 percent false\\n'
  .. '* Add the segment of our own people to the first rule","project":{"name":"Shop","key":"shop","tags":["web"]},'
  .. '"environment":{"name":"Production","key":"production","tags":["critical"]},'
  .. '"flag":{"name":"Checkout v2","key":"checkout-v2","tags":["checkout"]},'
  .. '"shortDescription":"Rita Requester requested approval for changes to the flag Checkout v2 in \'Production\'",'
  .. '"timestamp":"1746196607127","approvalFormVariables":{"risk":"medium","change":"'
local tail = '"},"comment":"Open the new checkout for a quarter of the customers"}'

function request()
  count = count + 1
  return wrk.format("POST", nil, headers, head .. prefix .. "-" .. count .. rest .. count .. tail)
end
