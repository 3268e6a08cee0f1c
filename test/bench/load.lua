-- The requests of wrk, the same for every server. The plan's first two lines are the method and the API key, every
-- further line is `path<TAB>token`; requests go over those lines in rotation. A POST carries a fresh clientMessageId
-- shaped like a UUIDv7: real milliseconds first, so that ids grow in time order whatever the number of threads.
local ffi = require('ffi')
ffi.cdef [[
	typedef struct { long sec; long usec; } bench_timeval;
	int gettimeofday(bench_timeval *now, void *zone);
]]
local now = ffi.new('bench_timeval')

local threads = 0
local heads, before, after, writes = {}, nil, nil, false
local at, sent, salt = 0, 0, 0

function setup(thread)
	thread:set('number', threads)
	threads = threads + 1
end

function init()
	local plan = assert(io.open(os.getenv('PARLEY_BENCH_PLAN'), 'r'))
	local method, key = plan:read('*l'), plan:read('*l')
	local body = os.getenv('PARLEY_BENCH_BODY')
	writes = method == 'POST'
	local fields = '\r\nHost: 127.0.0.1\r\nx-api-key: ' .. key
	if writes then
		-- The id has a fixed length, so the length of the whole body is known beforehand.
		local from, to = body:find('$id', 1, true)
		before, after = body:sub(1, from - 1), body:sub(to + 1)
		fields = fields .. '\r\nContent-Type: application/json\r\nContent-Length: ' .. (#before + 36 + #after)
	end
	for line in plan:lines() do
		local path, token = line:match('^(%S+)\t(%S+)$')
		local head = method .. ' ' .. path .. ' HTTP/1.1' .. fields .. '\r\nAuthorization: Bearer ' .. token .. '\r\n\r\n'
		heads[#heads + 1] = writes and head .. before or head
	end
	plan:close()
	math.randomseed(os.time() + number * 7919)
	salt = math.random(0, 0xffff)
	at = math.random(0, #heads - 1)
end

function request()
	at = at + 1
	if at > #heads then at = 1 end
	if not writes then return heads[at] end
	ffi.C.gettimeofday(now, nil)
	local ms = tonumber(now.sec) * 1000 + math.floor(tonumber(now.usec) / 1000)
	sent = sent + 1
	local high, low = math.floor(ms / 65536), ms % 65536
	return heads[at]
		.. string.format(
			'%08x-%04x-7%03x-8%03x-%04x%08x',
			high, low, math.floor(tonumber(now.usec) % 1000 * 4.096), number, salt, sent
		)
		.. after
end

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format(
		'BENCH {"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
		summary.requests, summary.duration / 1e6, errors.status,
		errors.connect + errors.read + errors.write + errors.timeout,
		latency:percentile(50) / 1000, latency:percentile(99) / 1000
	))
end
