-- Takes one of the allowance that all nodes have together under a key: the generic cell rate algorithm, as `governor`
-- has it in `rate_limit/limiter.rs`, so that the shared count and a node's own agree.
--
-- KEYS[1]  the key. It holds when the next one would be due at an even pace, in microseconds since the Unix epoch, and
--          ends by itself when that is over: the allowance is whole then.
-- ARGV[1]  the emission interval, in microseconds, 1 or more: period / count.
-- ARGV[2]  the burst tolerance, in microseconds: emission interval * (count - 1). So `count` at once.
--
-- Returns 0 when one is taken, or how long there is none, in microseconds.

-- Redis' own time: the nodes' clocks need not agree.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])

local function keep(due)
    -- Whole numbers: Lua would write so many microseconds as 1.7e+15.
    redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
end

local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
-- Never later than a used up allowance has it: after a clock that went back, or a limit that was changed, nobody waits
-- for longer than they would have to.
local latest = now + tolerance + interval
if due > latest then
    due = latest
    keep(due)
end

local wait = due - tolerance - now
if wait > 0 then
    return wait
end
keep(due + interval)
return 0
