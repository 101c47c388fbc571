/** The same exchanges over memory, a unix socket and TCP: what kernels do is what memory has to do. */
import { createHash } from 'node:crypto'

import { testClient } from '@allium/testing'
import type { PendingResponse, TestClient, TransportName } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

import { createApp } from './conformance-app.ts'

type Facts = Readonly<Record<string, unknown>>
type Exchange = (client: TestClient, seen: string[]) => Promise<Facts>

const HOST = 'Host: localhost\r\n'

/** One assertion for each fact, over each transport. */
function compare(t: Test, name: string, exchange: Exchange): void {
  void t.test(name, async t => {
    const expected = await gather(t, 'tcp', exchange)
    t.ok(Object.keys(expected).length > 0)
    for (const transport of ['memory', 'unix'] as const) {
      const found = await gather(t, transport, exchange)
      for (const [fact, value] of Object.entries(expected))
        t.same(found[fact], value, `${fact}, over ${transport}`)
    }
  })
}

async function gather(t: Test, transport: TransportName, exchange: Exchange): Promise<Facts> {
  const { app, seen } = createApp()
  const client = await testClient(t, app, { transport, runner: { keepAliveTimeout: 200 } })
  try {
    return await exchange(client, seen)
  } finally {
    await client.close()
  }
}

async function factsOf(sent: PendingResponse): Promise<Facts> {
  const response = await sent
  const body = await response.bytes().then(
    bytes => `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex')}`,
    (error: unknown) => `${(error as { code?: string }).code}`,
  )
  const { status, statusText, informational } = response
  return {
    status,
    statusText,
    headers: response.rawHeaders.flatMap((_, i, all) =>
      i % 2 === 0 && all[i]!.toLowerCase() !== 'date' ? [`${all[i]}: ${all[i + 1]}`] : [],
    ),
    body,
    trailers: [...response.trailers],
    informational: informational.map(({ status, headers }) => [status, ...headers]),
  }
}

function failureOf(sent: Promise<unknown>): Promise<Facts> {
  return sent.then(
    () => ({ failed: false }),
    (error: unknown) => ({
      failed: true,
      code: (error as { code?: string }).code,
      message: (error as Error).message,
    }),
  )
}

/** All that comes back for these bytes, and how the connection ends. */
async function answersTo(client: TestClient, bytes: string): Promise<Facts> {
  const connection = client.connect()
  await connection.send(bytes)
  const received = (await connection.receive()).replace(/^date: .*\r\n/gim, '')
  return { received, closed: await connection.closed }
}

async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 4000
  while (!check() && performance.now() < end) await new Promise(resolve => setTimeout(resolve, 2))
}

const PATHS = [
  ...['/text', '/any', '/json', '/empty', '/not-modified', '/redirect', '/conflict', '/broken', '/stream'],
  ...['/known-length', '/large', '/large-stream', '/twice', '/cookies', '/trailers', '/hints', '/nowhere'],
]

void t.test('answers', async t => {
  for (const path of PATHS) {
    compare(t, `GET ${path}`, client => factsOf(client.get(path)))
    compare(t, `HEAD ${path}`, client => factsOf(client.head(path)))
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'PROPFIND']) {
    compare(t, `${method} /any`, client => factsOf(client.request(method, '/any')))
    compare(t, `${method} /text`, client => factsOf(client.request(method, '/text')))
  }
})

void t.test('bodies', async t => {
  for (const size of [0, 1, 16 * 1024 - 1, 16 * 1024 + 1, 64 * 1024 + 1, 2 * 1024 * 1024]) {
    const bytes = Buffer.alloc(size, 'abcdefg')
    async function* stream() {
      for (let at = 0; at < size; at += 10_000) yield bytes.subarray(at, at + 10_000)
    }
    const headers = { expect: '100-continue' }
    for (const path of ['/echo', '/pipe']) {
      compare(t, `${size} bytes to ${path}`, client => factsOf(client.post(path, { body: bytes })))
      compare(t, `a stream of ${size} bytes to ${path}`, client =>
        factsOf(client.post(path, { body: stream() })),
      )
    }
    compare(t, `${size} bytes that wait for 100`, client =>
      factsOf(client.post('/echo', { body: bytes, headers })),
    )
  }
  compare(t, 'a body over the limit', client =>
    factsOf(client.post('/echo', { body: Buffer.alloc(9_000_000) })),
  )
  compare(t, 'a body that nobody reads', client =>
    factsOf(client.post('/unread', { body: Buffer.alloc(100_000) })),
  )
  compare(t, 'a body that is not wanted', client =>
    factsOf(client.post('/no-body-wanted', { body: 'x', headers: { expect: '100-continue' } })),
  )
})

const RAW: Readonly<Record<string, string>> = {
  nonsense: 'nonsense\r\n\r\n',
  'a head that is too large': `GET /text HTTP/1.1\r\n${HOST}x: ${'x'.repeat(20_000)}\r\n\r\n`,
  'no Host': 'GET /text HTTP/1.1\r\nConnection: close\r\n\r\n',
  'two Hosts': 'GET /text HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
  'HTTP/1.0': 'GET /text HTTP/1.0\r\n\r\n',
  'HTTP/2.0': `GET /text HTTP/2.0\r\n${HOST}\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'bare line feeds': `GET /text HTTP/1.1\n${HOST}\n`,
  'an unknown method': `BREW /text HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  'a space in a name': `GET /text HTTP/1.1\r\n${HOST}x y: 1\r\n\r\n`,
  'a folded field': `GET /text HTTP/1.1\r\n${HOST}x: 1\r\n 2\r\n\r\n`,
  'two lengths': `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  'length and chunks': `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a chunk that is no number': `POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
  'an unknown expectation': `POST /echo HTTP/1.1\r\n${HOST}Expect: more\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  CONNECT: `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`,
  'an absolute form': `GET http://localhost/text HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
  'a close in the middle': `GET /text HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nGET /any HTTP/1.1\r\n${HOST}\r\n`,
  'bytes of a body in chunks': `POST /echo HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n`,
  'pipelined requests': ['/slow', '/text', '/any', '/empty', '/twice']
    .map(path => `GET ${path} HTTP/1.1\r\n${HOST}${path === '/twice' ? 'Connection: close\r\n' : ''}\r\n`)
    .join(''),
  'twenty pipelined requests, of which 16 may wait': `GET /slow HTTP/1.1\r\n${HOST}\r\n`.repeat(20),
  'an upgrade to what nobody speaks': `GET /text HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
}

void t.test('bytes', async t => {
  for (const [name, bytes] of Object.entries(RAW)) compare(t, name, client => answersTo(client, bytes))
  compare(t, 'a connection that is idle for too long', async client => {
    const connection = client.connect()
    await connection.send(`GET /text HTTP/1.1\r\n${HOST}\r\n`)
    const received = await connection.receiveUntil('hello')
    const rest = await connection.receive() // unlike `closed`, keeps the process alive
    return { status: received.split('\r\n')[0], rest, closed: await connection.closed }
  })
  compare(t, 'a direction that ends behind a request', async client => {
    const connection = client.connect()
    connection.end(`GET /slow HTTP/1.1\r\n${HOST}\r\n`)
    return { received: await connection.receive(), closed: await connection.closed }
  })
  compare(t, 'a direction that ends before the request does', async client => {
    const connection = client.connect()
    connection.end('GET /te')
    return { received: await connection.receive(), closed: await connection.closed }
  })
})

void t.test('ends', async t => {
  compare(t, 'the server cuts before it answers', client => failureOf(client.get('/cut')))
  compare(t, 'the server cuts in a body', client => failureOf(client.get('/cut-in-body').text().then(String)))
  compare(t, 'the client leaves before the answer', async (client, seen) => {
    const leaving = new AbortController()
    const sent = failureOf(client.get('/hang', { signal: leaving.signal }))
    await client.settle()
    leaving.abort()
    await until(() => seen.length > 0)
    return { ...(await sent), seen: [...seen] }
  })
  compare(t, 'the client leaves in a body', async (client, seen) => {
    const { body } = await client.get('/drip')
    for await (const piece of body) if ((piece as Buffer).length > 0) break
    await until(() => seen.length > 0)
    return { seen: [...seen] }
  })
  compare(t, 'the client leaves while it sends', async (client, seen) => {
    const connection = client.connect()
    await connection.send(`POST /hang-in-body HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`)
    await client.settle()
    connection.destroy()
    await until(() => seen.length > 0)
    return { seen: [...seen] }
  })
  compare(t, 'a client that writes to a server that is gone', async client => {
    const connection = client.connect()
    await connection.send(`GET /text HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
    await connection.receive()
    await connection.closed
    return failureOf(connection.send('more'))
  })
  compare(t, 'requests share a connection', async client => {
    const ports = new Set<unknown>()
    for (let n = 0; n < 5; n++) ports.add((await factsOf(client.get('/text')))['body'])
    return { answers: ports.size }
  })
  compare(t, 'a client that reads late holds the server back', async client => {
    const { body } = await client.get('/large-stream')
    await new Promise(resolve => setTimeout(resolve, 20))
    let bytes = 0
    for await (const piece of body) bytes += (piece as Buffer).length
    return { bytes }
  })
  compare(t, 'a WebSocket', async client => {
    const socket = await client.ws('/socket', { protocols: ['chat'] })
    for (const message of ['a', 'x'.repeat(200_000), Buffer.alloc(70_000)]) await socket.send(message)
    const lengths = [await socket.receive(), await socket.receive(), await socket.receive()].map(
      ({ length }) => length,
    )
    const closed = await socket.close(4000, 'enough')
    return { lengths, closed, protocol: socket.protocol, after: await failureOf(socket.send('late')) }
  })
})
