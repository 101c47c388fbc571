import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { Application, AppRunner } from '@allium/core'
import { websocket } from '@allium/ws'
import type { WebSocketResponse } from '@allium/ws'
import t from 'tap'
import type { Test } from 'tap'

import { GROUPS } from './autobahn-cases.ts'
import type { ConformanceCase } from './autobahn-cases.ts'

const MIB = 1024 * 1024
const CODES = 8
const script = fileURLToPath(new URL('../../test/fixtures/conformance.py', import.meta.url))
const page = fileURLToPath(new URL('../../../../docs/reference/websocket-conformance.md', import.meta.url))
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
const hasPython = spawnSync(python, ['-c', 'import websockets'], { stdio: 'ignore' }).status === 0
const counts: Record<string, number> = {}

t.setTimeout(240_000)

t.test('the Autobahn groups, byte by byte (P45)', async t => {
  const port = await serve(t)
  for (const [group, cases] of Object.entries(GROUPS)) {
    t.test(group, async t => {
      for (const one of cases) await run(t, one, port)
      counts[group] = cases.length
    })
  }
})

if (hasPython || process.env.ALLIUM_REQUIRE_SERVICES) {
  t.test('the Autobahn groups, by the client of python3-websockets', async t => {
    const port = await serve(t)

    const { stdout } = await promisify(execFile)(python, [script, `ws://127.0.0.1:${port}`])

    for (const [group, [passed, failed]] of Object.entries(
      JSON.parse(stdout) as Record<string, [number, string[]]>,
    )) {
      t.same(failed, [], `group ${group}`)
      counts[`python ${group}`] = passed
    }
    checkPage(t)
  })
} else {
  t.pass('python3-websockets is not installed')
}

/** The page says what was run here. */
function checkPage(t: Test): void {
  const rows = [...Object.keys(GROUPS), '12 Compression', '13 Parameters of compression'].map(group => {
    const byPython = counts[`python ${group.split(' ')[0]}`] ?? 0
    return `| ${group} | ${counts[group] ?? 0} | ${byPython} | all pass |`
  })
  const text = readFileSync(page, 'utf8')
  const plain = text.replaceAll(/ {2,}/g, ' ')
  if (process.env.ALLIUM_WRITE_DOCS) {
    const head = text.slice(0, text.indexOf('| group'))
    const table = ['| group | bytes | python3-websockets | outcome |', '| --- | --- | --- | --- |', ...rows]
    writeFileSync(page, `${head}${table.join('\n')}\n`)
  } else for (const row of rows) t.ok(plain.includes(row), row)
}

async function run(
  t: Test,
  { id, writes, answers, bye, code }: ConformanceCase,
  port: number,
): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const pieces: Buffer[] = []
  socket.setNoDelay()
  socket.on('data', piece => pieces.push(piece)).on('error', () => {})
  const closed = once(socket, 'close')
  socket.write(
    'GET /plain HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await once(socket, 'data')
  const head = Buffer.concat(pieces).indexOf('\r\n\r\n') + 4
  for (const write of writes) socket.write(write)
  if (bye) {
    const length = answers.reduce((sum, [, payload]) => sum + frameLength(payload), head)
    while (socket.bytesRead < length && !socket.destroyed) await Promise.race([once(socket, 'data'), closed])
    socket.write(bye)
  }
  await closed

  const frames = readFrames(Buffer.concat(pieces).subarray(head))
  const last = frames.pop()
  const problems = [
    last?.opcode !== CODES && 'no close frame at the end',
    last &&
      (last.payload.length === 0 ? undefined : last.payload.readUInt16BE()) !== code &&
      `closed with ${last.payload.toString('hex')}`,
    (bye ? frames.length !== answers.length : frames.length > answers.length) && `${frames.length} answers`,
    ...answers.slice(0, bye ? undefined : frames.length).map(([opcode, payload], i) => {
      const got = frames[i]
      return !(got?.opcode === opcode && got.payload.equals(payload)) && `answer ${i} is another`
    }),
  ].filter(Boolean)
  t.same(problems, [], id)
}

function frameLength({ length }: Buffer): number {
  return length + (length < 126 ? 2 : length < 65_536 ? 4 : 10)
}

/** The frames of a server, none of which is fragmented. */
function readFrames(bytes: Buffer): { opcode: number; payload: Buffer }[] {
  const frames = []
  for (let at = 0; at < bytes.length;) {
    const short = bytes.readUInt8(at + 1)
    const size = short < 126 ? 0 : short === 126 ? 2 : 8
    const length =
      size === 0 ? short : size === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + 2 + size
    frames.push({ opcode: bytes.readUInt8(at) & 15, payload: bytes.subarray(start, start + length) })
    at = start + length
  }
  return frames
}

async function serve(t: Test): Promise<number> {
  const app = new Application()
  const echo = async (socket: WebSocketResponse) => {
    for await (const message of socket) {
      await socket.send(message.type === 'text' ? message.text() : message.bytes())
    }
  }
  // The list has messages of 16 MiB, and one of 65,536 fragments.
  const limits = { maxMessageSize: 16 * MIB, maxFragments: 128 * 1024 }
  const takeover = { serverContextTakeover: true, clientContextTakeover: true, threshold: 0 }
  app.get('/plain', websocket(echo, limits))
  app.get('/deflate', websocket(echo, { ...limits, perMessageDeflate: { threshold: 0 } }))
  app.get('/takeover', websocket(echo, { ...limits, perMessageDeflate: takeover }))
  const runner = new AppRunner(app, { shutdownTimeout: 1000 })
  await runner.startup()
  t.teardown(() => runner.stop())
  return (await runner.listen({ host: '127.0.0.1', port: 0 })).port
}
