import { createHash } from 'node:crypto'

/** What a store uses of a client of `ioredis`, for one server, sentinels or a cluster. */
export interface IoredisSessionClient {
  /** Runs a script that the server knows. */
  evalsha(sha1: string, keyCount: number, ...args: string[]): Promise<unknown>
  /** Runs a script. */
  eval(script: string, keyCount: number, ...args: string[]): Promise<unknown>
}

/** What a store uses of a client of `redis`, for one server, sentinels or a cluster. */
export interface NodeRedisSessionClient {
  /** Runs a script that the server knows. */
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  /** Runs a script. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

/** A script, and the name by which a server that has run it knows it. */
export interface RedisScript {
  readonly text: string
  readonly sha1: string
}

/** What a store does in one step. */
export type SessionStep = 'read' | 'insert' | 'replace' | 'move' | 'touch' | 'delete' | 'list' | 'deleteAll'

/** Runs a script on a key, also on a server that was started anew and has forgotten it. */
export async function runScript(
  client: IoredisSessionClient | NodeRedisSessionClient,
  { text, sha1 }: RedisScript,
  key: string,
  args: string[],
): Promise<unknown> {
  try {
    if ('evalSha' in client) return await client.evalSha(sha1, { keys: [key], arguments: args })
    return await client.evalsha(sha1, 1, key, ...args)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    if ('evalSha' in client) return client.eval(text, { keys: [key], arguments: args })
    return client.eval(text, 1, key, ...args)
  }
}

// KEYS[1] begins every key. The others are made of it on the server: so they are in the slot of a cluster that it names,
// and have the prefix that a client may put before it.
const SHARED = `
local base, now = KEYS[1], tonumber(ARGV[1])

local function read(id)
  local fields = redis.call('HGETALL', base .. id)
  if #fields == 0 then return nil end
  local record = {}
  for i = 1, #fields, 2 do record[fields[i]] = fields[i + 1] end
  return record, fields
end

local function find(id)
  local record, fields = read(id)
  if record and tonumber(record.expiresAt) > now then return record, fields end
end

local function indexOf(owner) return base .. 'principal:' .. owner end

local function unlink(id, record)
  if record.owner then redis.call('ZREM', indexOf(record.owner), id) end
end

local function link(id, record, life)
  if not record.owner then return end
  local index = indexOf(record.owner)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, 100)) do
    if redis.call('EXISTS', base .. old) == 0 then redis.call('ZREM', index, old) end
  end
  redis.call('ZADD', index, record.expiresAt, id)
  if redis.call('PTTL', index) < life then redis.call('PEXPIRE', index, life) end
end

local function keep(id)
  local record = read(id)
  local life = math.ceil(tonumber(record.expiresAt) - now)
  redis.call('PEXPIRE', base .. id, life)
  link(id, record, life)
end

local function put(id, first)
  redis.call('HSET', base .. id, unpack(ARGV, first))
  keep(id)
end

local function isWritable(record, revision)
  return record and record.revision == revision and not record.renewedTo
end

-- A client that has lost its connection sends again what may have been carried out.
local function isAgain(id, write)
  return redis.call('HGET', base .. id, 'write') == write
end
`

/** The steps of a store, each of them atomic. Times are milliseconds; the first argument is what time it is. */
export const SESSION_SCRIPTS: Readonly<Record<SessionStep, RedisScript>> = {
  /** now, id → fields */
  read: script(`
local _, fields = find(ARGV[2])
return fields or false
`),
  /** now, id, write, fields… → whether it was stored */
  insert: script(`
if isAgain(ARGV[2], ARGV[3]) then return 1 end
if redis.call('EXISTS', base .. ARGV[2]) == 1 then return 0 end
put(ARGV[2], 4)
return 1
`),
  /** now, id, write, revision, fields… → whether it was stored, and if not, the current fields */
  replace: script(`
if isAgain(ARGV[2], ARGV[3]) then return { 1 } end
local record, fields = find(ARGV[2])
if not isWritable(record, ARGV[4]) then return { 0, fields or false } end
unlink(ARGV[2], record)
redis.call('DEL', base .. ARGV[2])
put(ARGV[2], 5)
return { 1 }
`),
  /** now, id, write, revision, to, graceUntil or nothing, fields… → as replace */
  move: script(`
if isAgain(ARGV[5], ARGV[3]) then return { 1 } end
local record, fields = find(ARGV[2])
if not isWritable(record, ARGV[4]) then return { 0, fields or false } end
if ARGV[6] == '' then
  unlink(ARGV[2], record)
  redis.call('DEL', base .. ARGV[2])
else
  redis.call('HSET', base .. ARGV[2], 'expiresAt', ARGV[6], 'renewedTo', ARGV[5])
  keep(ARGV[2])
end
put(ARGV[5], 7)
return { 1 }
`),
  /** now, id, lastSeenAt, expiresAt → whether there is such a record */
  touch: script(`
local record = find(ARGV[2])
if not isWritable(record, record and record.revision) then return 0 end
redis.call('HSET', base .. ARGV[2], 'lastSeenAt', ARGV[3], 'expiresAt', ARGV[4])
keep(ARGV[2])
return 1
`),
  /** now, id → the fields that there were */
  delete: script(`
local record, fields = read(ARGV[2])
if not record then return false end
unlink(ARGV[2], record)
redis.call('DEL', base .. ARGV[2])
return fields
`),
  /** now, owner → id, createdAt, lastSeenAt, expiresAt of each */
  list: script(`
local sessions = {}
for _, id in ipairs(redis.call('ZRANGE', indexOf(ARGV[2]), 0, -1)) do
  local record = find(id)
  if record and not record.renewedTo then
    table.insert(sessions, { id, record.createdAt, record.lastSeenAt, record.expiresAt })
  end
end
return sessions
`),
  /** now, owner, id of one that stays → how many were removed */
  deleteAll: script(`
local index = indexOf(ARGV[2])
local count = 0
for _, id in ipairs(redis.call('ZRANGE', index, 0, -1)) do
  if id ~= ARGV[3] then
    count = count + redis.call('DEL', base .. id)
    redis.call('ZREM', index, id)
  end
end
return count
`),
}

function script(body: string): RedisScript {
  const text = SHARED + body
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
