-- Sends the lines of a file as bodies, one after the other.
local prepared, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    prepared[#prepared + 1] = wrk.format("POST", "/score", { ["Content-Type"] = "application/json" }, line)
  end
end

function request()
  at = at % #prepared + 1
  return prepared[at]
end
