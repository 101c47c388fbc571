import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { ClientRequest, IncomingMessage, RequestListener, RequestOptions, Server } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

import { memorySocketPair } from '@allium/core/memory-socket'
import type { MemorySocket } from '@allium/core/memory-socket'
import t from 'tap'

interface Teardown {
  teardown(fn: () => void): void
}

class Connections extends Agent {
  readonly opened: MemorySocket[] = []
  readonly accepted: MemorySocket[] = []
  readonly #server: Server

  constructor(server: Server) {
    super({ keepAlive: true })
    this.#server = server
  }

  override createConnection(): MemorySocket {
    const pair = memorySocketPair()
    this.opened.push(pair.client)
    this.accepted.push(pair.server)
    this.#server.emit('connection', pair.server)
    return pair.client
  }
}

function serve(t: Teardown, handler: RequestListener) {
  const server = createServer(handler)
  const agent = new Connections(server)
  t.teardown(() => {
    agent.destroy()
    server.closeAllConnections()
  })
  const open = (options: RequestOptions = {}): ClientRequest =>
    request({ agent, host: 'localhost', ...options })
  const get = async (options: RequestOptions = {}): Promise<IncomingMessage> => answer(open(options).end())
  return { server, agent, open, get }
}

async function answer(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

/** Sends bytes to a server over a new connection and gives back all it answers. */
async function exchange(server: Server, bytes: string): Promise<string> {
  const pair = memorySocketPair()
  server.emit('connection', pair.server)
  pair.client.write(bytes)
  return text(pair.client)
}

/** Keeps the process alive until then, which memory sockets do not. */
async function awake<Value>(promise: Promise<Value>): Promise<Value> {
  const timer = setInterval(() => undefined, 1000)
  return promise.finally(() => clearInterval(timer))
}

t.test('HTTP over memory sockets', async t => {
  t.test('five requests share one connection', async t => {
    const { agent, get } = serve(t, (request, response) => response.end(request.url))
    for (const n of [1, 2, 3, 4, 5]) t.equal(await text(await get({ path: `/${n}` })), `/${n}`)

    t.equal(agent.opened.length, 1)
    t.equal(agent.opened[0]!.bytesRead, agent.accepted[0]!.bytesWritten)
    t.equal(agent.opened[0]!.bytesWritten, agent.accepted[0]!.bytesRead)
    t.ok(agent.opened[0]!.bytesRead > 0)
  })

  t.test('an abort is seen by a server that is not writing', async t => {
    const { server, open } = serve(t, () => undefined)
    const sent = open().on('error', () => undefined)
    sent.end()
    const [, response] = (await once(server, 'request')) as Parameters<RequestListener>
    sent.destroy()

    await once(response, 'close')
    t.notOk(response.writableFinished)
  })

  t.test('a server that destroys the connection in a body is seen by the client', async t => {
    const { get } = serve(t, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('hello', () => response.destroy())
    })
    const response = await get()

    await t.rejects(text(response), { code: 'ECONNRESET', message: 'aborted' })
  })

  t.test('a server that destroys the connection before it answers is seen by the client', async t => {
    const { get } = serve(t, request => request.socket.destroy())

    await t.rejects(get(), { code: 'ECONNRESET', message: 'socket hang up' })
  })

  t.test('a writer waits for a slow reader, and 4 MiB arrive', async t => {
    const sizes: number[] = []
    const { get } = serve(t, (_request, response) => {
      async function* produce() {
        for (let n = 0; n < 64; n++) yield Buffer.alloc(64 * 1024, sizes.push(n))
      }
      Readable.from(produce(), { highWaterMark: 1 }).pipe(response)
    })
    const response = await get()
    await delay(20)
    const before = sizes.length
    let bytes = 0
    for await (const chunk of response) bytes += (chunk as Buffer).length

    t.ok(before < 16, `stalled after ${before} writes`)
    t.equal(bytes, 4 * 1024 * 1024)
  })

  t.test('4 MiB are sent and come back in one piece each', async t => {
    const { open } = serve(t, (request, response) => request.pipe(response))
    const bytes = Buffer.alloc(4 * 1024 * 1024, 'abcdefg')
    const sent = open({ method: 'POST' })
    sent.end(bytes)
    const chunks: Buffer[] = []
    for await (const chunk of await answer(sent)) chunks.push(chunk as Buffer)

    t.ok(bytes.equals(Buffer.concat(chunks)))
  })

  t.test('a body waits for 100 Continue', async t => {
    const { open } = serve(t, (request, response) => void request.pipe(response))
    const sent = open({ method: 'POST', headers: { expect: '100-continue' } })
    sent.flushHeaders()
    await once(sent, 'continue')
    sent.end('at last')

    t.equal(await text(await answer(sent)), 'at last')
  })

  t.test('early hints and trailers arrive', async t => {
    const { open } = serve(t, (_request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.writeHead(200, { trailer: 'x-sum' })
      response.addTrailers({ 'x-sum': '7' })
      response.end('body')
    })
    const sent = open().end()
    const [[hints], response] = await Promise.all([once(sent, 'information'), answer(sent)])
    await text(response)

    t.equal((hints as IncomingMessage).statusCode, 103)
    t.equal(response.trailers['x-sum'], '7')
  })

  t.test('malformed bytes are answered with 400', async t => {
    const { server } = serve(t, (_request, response) => response.end())

    t.match(await exchange(server, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  t.test('three pipelined requests are answered in order', async t => {
    const { server } = serve(t, (request, response) => {
      setTimeout(() => response.end(request.url), request.url === '/1' ? 20 : 0)
    })
    const head = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
    const answers = await exchange(server, head('/1') + head('/2') + head('/3', 'Connection: close\r\n'))

    t.same(answers.match(/(?<=\r\n)\/\d/g), ['/1', '/2', '/3'])
  })

  t.test('a client that has ended is still answered, where the server allows it', async t => {
    const { server } = serve(t, (_request, response) => void setTimeout(() => response.end('late'), 10))
    Object.assign(server, { httpAllowHalfOpen: true })
    const pair = memorySocketPair()
    server.emit('connection', pair.server)
    pair.client.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')

    t.match(await text(pair.client), /late$/)
  })

  t.test('an idle connection is closed after keepAliveTimeout', async t => {
    const { server } = serve(t, (_request, response) => response.end('hello'))
    Object.assign(server, { keepAliveTimeout: 1, keepAliveTimeoutBuffer: 0 }) // Node 20 adds a second in any case

    t.match(await awake(exchange(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')), /hello$/)
  })

  t.test('an upgraded connection carries bytes both ways', async t => {
    const { server, open } = serve(t, () => undefined)
    server.on('upgrade', (_request, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n')
      socket.unshift(head)
      socket.pipe(socket)
    })
    const sent = open({ headers: { connection: 'upgrade', upgrade: 'echo' } }).end()
    const [, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, MemorySocket]
    socket.end('hello')

    t.equal(await text(socket), 'hello')
  })
})
