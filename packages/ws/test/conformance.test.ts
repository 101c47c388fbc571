import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import puppeteer from 'puppeteer-core'
import t from 'tap'
import type { Test } from 'tap'

import { GROUPS, VALID_UTF8 } from './autobahn-cases.ts'
import type { ConformanceCase } from './autobahn-cases.ts'
import { serve } from './conformance-server.ts'
import { readFrames } from './raw-frames.ts'

const CLOSE = 8
/** Of what a client cannot do. */
const NONE = '–'
const script = fileURLToPath(new URL('../../test/fixtures/conformance.py', import.meta.url))
const page = fileURLToPath(new URL('../../../../docs/reference/websocket-conformance.md', import.meta.url))
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
const hasPython = spawnSync(python, ['-c', 'import websockets'], { stdio: 'ignore' }).status === 0
const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium'
const isRequired = Boolean(process.env.ALLIUM_REQUIRE_SERVICES)

/** Groups by their number, each with how many cases passed, and which did not. */
type Results = Readonly<Record<string, readonly [passed: number, failed: readonly string[]]>>

/** The columns of the page: how many cases of a group passed. */
const columns = {
  bytes: new Map<string, number>(),
  'python3-websockets': new Map<string, number>(),
  Chromium: new Map<string, number>(),
}
const groups = [...Object.keys(GROUPS), '12 Compression', '13 Parameters of compression', 'Handshake']

t.setTimeout(240_000)

t.test('the Autobahn groups, byte by byte (P45)', async t => {
  const port = await serve(t)
  for (const [group, cases] of Object.entries(GROUPS)) {
    t.test(group, async t => {
      for (const one of cases) await run(t, one, port)
      columns.bytes.set(group, cases.length)
    })
  }
})

if (hasPython || isRequired) {
  t.test('the Autobahn groups, by the client of python3-websockets', async t => {
    const port = await serve(t)

    const { stdout } = await promisify(execFile)(python, [script, `ws://127.0.0.1:${port}`])

    note(t, 'python3-websockets', JSON.parse(stdout) as Results)
  })
} else {
  t.pass('python3-websockets is not installed')
}

if (existsSync(chromium) || isRequired) {
  t.test('what a page can do of the Autobahn groups, by Chromium', async t => {
    const port = await serve(t)
    const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox'] })
    t.teardown(() => browser.close())
    const tab = await browser.newPage()
    await tab.goto(`http://127.0.0.1:${port}/`)

    const results = await tab.evaluate(`run(${JSON.stringify(VALID_UTF8)})`)

    note(t, 'Chromium', results as Results)
  })
} else {
  t.pass('no browser is installed')
}

t.test('the page says how many cases each client has run', async t => {
  const text = readFileSync(page, 'utf8')
  const start = text.indexOf('| group')
  if (process.env.ALLIUM_WRITE_DOCS) return writeFileSync(page, text.slice(0, start) + createTable())
  const [head = [], , ...rows] = text
    .slice(start)
    .split('\n')
    .map(row => row.split('|').map(cell => cell.trim()))
  for (const [client, counts] of Object.entries(columns)) {
    if (counts.size === 0) continue // it is not installed
    const written = rows.filter(row => row.length > 1).map(row => `${row[1]}: ${row[head.indexOf(client)]}`)
    t.same(
      written,
      groups.map(group => `${group}: ${counts.get(group) ?? NONE}`),
      client,
    )
  }
})

function createTable(): string {
  const clients = Object.values(columns)
  const rows = groups.map(group => [group, ...clients.map(counts => `${counts.get(group) ?? NONE}`)])
  const head = ['group', ...Object.keys(columns)]
  return [head, head.map(() => '---'), ...rows].map(row => `| ${row.join(' | ')} |\n`).join('')
}

function note(t: Test, client: keyof typeof columns, results: Results): void {
  for (const [number, [passed, failed]] of Object.entries(results)) {
    t.same(failed, [], `group ${number}`)
    columns[client].set(
      groups.find(group => group.split(' ')[0] === number)!,
      passed,
    )
  }
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
    last?.opcode !== CLOSE && 'no close frame at the end',
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
