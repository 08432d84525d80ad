-- Takes one from the allowance that all nodes share under a key, by the generic cell rate algorithm. The `governor` crate
-- has the same one in `limits/rate_limiter.rs`, so that the shared count and a node's own agree.
--
-- KEYS[1]  the key. It holds the time at which the next one is due at an even rate, in microseconds since the Unix epoch,
--          and expires at that time: the allowance is full then.
-- ARGV[1]  the emission interval, in microseconds, 1 or more: period / count.
-- ARGV[2]  the burst tolerance, in microseconds: emission interval * (count - 1). This allows `count` at once.
--
-- Returns 0 if one was taken, or the time until there is one, in microseconds.

-- The time of Redis: the nodes' clocks need not agree.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])

local function keep(due)
    -- As a whole number: Lua would write so many microseconds as 1.7e+15.
    redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
end

local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
-- Never later than for a used up allowance: after a clock went back, or a limit was changed, nobody waits longer than
-- the limit asks for.
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
