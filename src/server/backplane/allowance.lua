-- One of an allowance that all nodes share: the generic cell rate algorithm, by Redis' own clock.
-- KEYS[1]: whose; ARGV[1]: microseconds from one to the next; ARGV[2]: how far ahead of that anybody may be.
-- Returns 0 when one was taken, otherwise the microseconds until there is one.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local due = tonumber(redis.call('GET', KEYS[1]) or now)
if due < now then due = now end
local wait = due - now - tonumber(ARGV[2])
if wait > 0 then return wait end
due = due + tonumber(ARGV[1])
-- Written out in full: a large number would become one with an exponent.
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
return 0
