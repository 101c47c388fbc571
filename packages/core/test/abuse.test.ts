import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { Application, AppRunner, createLogger, Response, text } from '@allium/core'
import type { AppRunnerOptions, LogLevel } from '@allium/core'
import t from 'tap'

const HOST = 'Host: a\r\n'
/** What clients send who mean ill, or are broken, or have lost their network. */
const HOSTILE: Readonly<Record<string, string>> = {
  nothing: '',
  'half a head': 'GET / HTTP/1.1\r\nHo',
  'TLS on a plain port': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'an endless line': 'GET /' + 'x'.repeat(20_000),
  'too many fields': `GET / HTTP/1.1\r\n${HOST}${'x: y\r\n'.repeat(300)}\r\n`,
  'two hosts': `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
  'two lengths': `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`,
  'half a body': `POST /read HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nabc`,
  'half a body that nobody reads': `POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nabc`,
  'a broken chunk': `POST /read HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  'too large a body': `POST /read HTTP/1.1\r\n${HOST}Content-Length: 99999999\r\n\r\n`,
  'an expectation': `POST /read HTTP/1.1\r\n${HOST}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
  'a strange expectation': `POST /read HTTP/1.1\r\n${HOST}Content-Length: 9\r\nExpect: more\r\n\r\n`,
  'a tunnel': `CONNECT a:80 HTTP/1.1\r\n${HOST}\r\n`,
  'an upgrade': `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
  'a hundred requests at once': `GET /stream HTTP/1.1\r\n${HOST}\r\n`.repeat(100),
  'a stream that nobody reads': `GET /stream HTTP/1.1\r\n${HOST}\r\n`,
  'a request that fails': `GET /fail?a=%0d%0a%1b[31m HTTP/1.1\r\n${HOST}Cookie: s=secret\r\nAuthorization: secret\r\n\r\n`,
  'a path that drives terminals': `GET /%1b[31m%0d%0aforged%c2%85 HTTP/1.1\r\n${HOST}Cookie: s=secret\r\n\r\n`,
}

const IMPATIENT = { headersTimeout: 200, requestTimeout: 200, drainTimeout: 100, shutdownTimeout: 2000 }

async function start(
  t: { teardown(fn: () => unknown): unknown },
  level: LogLevel = 'info',
  options: AppRunnerOptions = IMPATIENT,
) {
  const lines: string[] = []
  const app = new Application({ logger: createLogger(level, line => lines.push(line)) })
  app.get('/', () => text('<served>'))
  app.post('/', () => text('<ignored>'))
  app.post('/read', async request => text(await request.text()))
  app.get('/fail', () => {
    throw new Error('failed\r\nforged')
  })
  app.get('/stream', () => new Response(endless()))
  const runner = new AppRunner(app, options)
  await runner.startup()
  const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => runner.stop())
  return { runner, port, lines }
}

async function* endless() {
  for (;;) yield Buffer.alloc(64 * 1024)
}

type Farewell = 'ends' | 'leaves' | 'resets' | 'waits'

/** Sends the bytes, never reads, and goes as told; settles when the connection is over. */
async function abuse(port: number, bytes: string, farewell: Farewell): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const over = new Promise(resolve => socket.on('error', () => {}).on('close', resolve))
  await once(socket, 'connect')
  socket.write(bytes, 'latin1')
  await new Promise(resolve => setTimeout(resolve, 30))
  if (farewell === 'ends') socket.end()
  else if (farewell === 'leaves') socket.destroy()
  else if (farewell === 'resets') socket.resetAndDestroy()
  setTimeout(() => socket.destroy(), 400).unref()
  await over
}

/** Every kind of abuse with every farewell, many at a time. */
async function attack(port: number): Promise<void> {
  const farewells: Farewell[] = ['ends', 'leaves', 'resets', 'waits']
  const runs = Object.values(HOSTILE).flatMap(bytes =>
    farewells.map(farewell => abuse(port, bytes, farewell)),
  )
  await Promise.all(runs)
}

async function untilQuiet(runner: AppRunner): Promise<void> {
  while (runner.counts.openConnections > 0) await new Promise(resolve => setTimeout(resolve, 10))
}

/** What an attack must not add to: descriptors, things that the event loop waits for, listeners on the process. */
function resources() {
  const descriptors = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  return { descriptors, active: process.getActiveResourcesInfo().sort(), listeners }
}

/** Microseconds that it takes this process, client included, to have 200,000 chunks of one byte read. */
async function cpuOfTinyChunks(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const before = process.cpuUsage()
  socket.write(`POST /read HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`)
  socket.write('1\r\nx\r\n'.repeat(200_000) + '0\r\n\r\n')
  let received = 0
  socket.on('data', chunk => (received += chunk.length))
  await once(socket, 'close')
  const { user, system } = process.cpuUsage(before)
  if (received < 200_000) throw new Error('The body did not come back')
  return user + system
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

t.test('under attack', t => {
  t.test('descriptors, timers, listeners and memory return to their base (P53)', async t => {
    const { runner, port } = await start(t)
    await attack(port)
    await untilQuiet(runner)
    const before = resources()
    const heapBefore = await heapUsed()

    for (let round = 0; round < 3; round++) await attack(port)
    await untilQuiet(runner)

    t.strictSame(resources(), before)
    const grown = (await heapUsed()) - heapBefore
    t.ok(grown < 1024 * 1024, `the heap has grown by ${grown} bytes`)
    t.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), '<served>')
  })

  t.test(
    'a hostile request costs two lines at most, without a control character or a secret (P54)',
    async t => {
      for (const level of ['info', 'debug'] as const) {
        const { runner, port, lines } = await start(t, level)
        for (const [name, bytes] of Object.entries(HOSTILE)) {
          lines.length = 0
          await abuse(port, bytes, 'leaves')
          await untilQuiet(runner)

          const entries = lines.filter(line => !line.startsWith(' '))
          t.ok(entries.length <= 2, `${name}: ${lines.join('')}`)
          // A stack takes lines of its own, indented: no other line may begin within an entry.
          const broken = lines.filter(line => /[^\n\x20-\x7e]|\n(?! {4}|$)/.test(line))
          t.strictSame(broken, [], name)
          t.notMatch(lines.join(''), /secret/, name)
        }
      }
    },
  )

  t.test('a body in chunks of one byte costs a few times what it costs Node itself (P22)', async t => {
    const { port } = await start(t, 'info', {})
    const plain = createServer((request, response) => {
      let length = 0
      request.on('data', (chunk: Buffer) => (length += chunk.length))
      request.on('end', () => response.end('x'.repeat(length)))
    }).listen(0, '127.0.0.1')
    t.teardown(() => plain.close())
    await once(plain, 'listening')
    const plainPort = (plain.address() as AddressInfo).port

    const costs = { plain: Infinity, allium: Infinity }
    for (let run = 0; run < 3; run++) {
      costs.plain = Math.min(costs.plain, await cpuOfTinyChunks(plainPort))
      costs.allium = Math.min(costs.allium, await cpuOfTinyChunks(port))
    }

    t.ok(costs.allium < 5 * costs.plain, JSON.stringify(costs))
  })

  t.test('what is malformed is counted as refused, what is cut off as aborted (P54)', async t => {
    const { runner, port } = await start(t)

    await abuse(port, HOSTILE['two lengths']!, 'leaves')
    await abuse(port, HOSTILE['two hosts']!, 'leaves')
    await abuse(port, HOSTILE['half a body']!, 'leaves')
    await abuse(port, HOSTILE['half a head']!, 'leaves')
    await untilQuiet(runner)

    t.match(runner.counts, { refused: 2, aborted: 1 })
  })

  t.end()
})
