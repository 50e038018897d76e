-- Asks for the same page again and again, as somebody who is signed in. Argument: the Cookie header.
local headers = {}

function init(args)
  headers["Cookie"] = args[1]
  headers["Accept"] = "text/html"
end

function request()
  return wrk.format("GET", nil, headers)
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
