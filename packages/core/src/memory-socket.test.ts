import { Agent, createServer, request } from 'node:http'
import type { ClientRequest, IncomingMessage, RequestListener, RequestOptions, Server } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'

import { Clock } from './clock.ts'
import type { Timer } from './clock.ts'
import { memorySocketPair } from './memory-socket.ts'
import type { MemorySocket } from './memory-socket.ts'

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

t.test('memorySocketPair', async t => {
  t.test('gives both ends the addresses that were asked for', async t => {
    const { client, server } = memorySocketPair({
      clientAddress: '2001:db8::1',
      clientPort: 4711,
      encrypted: true,
    })

    t.same(server.address(), { address: '127.0.0.1', port: 443, family: 'IPv4' })
    t.same([server.remoteAddress, server.remotePort, server.remoteFamily], ['2001:db8::1', 4711, 'IPv6'])
    t.same([client.localAddress, client.localPort, client.localFamily], ['2001:db8::1', 4711, 'IPv6'])
    t.same([client.remoteAddress, client.remotePort, client.remoteFamily], ['127.0.0.1', 443, 'IPv4'])
    t.ok(client.encrypted && server.encrypted)
    t.notOk(client.connecting || client.pending)
  })

  t.test('gives each connection a client port of its own', async t => {
    const ports = [1, 2, 3].map(() => memorySocketPair().client.localPort)

    t.equal(new Set(ports).size, 3)
    t.ok(ports.every(port => port >= 49_152 && port <= 65_535))
  })

  t.test('refuses what is no port', async t => {
    t.throws(
      () => memorySocketPair({ clientPort: 65_536 }),
      RangeError('Cannot make a memory socket: "65536" is not a port'),
    )
    t.throws(() => memorySocketPair({ serverPort: 1.5 }), RangeError)
  })

  t.test('takes a copy of what is written', async t => {
    const { client, server } = memorySocketPair()
    const bytes = Buffer.from('before')
    client.write(bytes)
    bytes.fill('x')
    client.end()

    t.equal(await text(server), 'before')
  })

  t.test('delivers nothing inside the call that sent it', async t => {
    const { client, server } = memorySocketPair()
    let arrived = false
    server.on('data', () => (arrived = true))
    client.write('a')
    const atOnce = arrived
    await delay(1)

    t.notOk(atOnce)
    t.ok(arrived)
  })

  t.test('joins what was corked', async t => {
    const { client, server } = memorySocketPair()
    client.cork()
    for (const letter of ['a', 'b', 'c']) client.write(letter)
    client.uncork()

    t.equal(String((await once(server, 'data'))[0]), 'abc')
  })

  t.test('lets timers run while two ends talk without a pause', async t => {
    const { client, server } = memorySocketPair()
    let stop = false
    server.on('data', chunk => server.write(chunk as Buffer))
    client.on('data', chunk => stop || client.write(chunk as Buffer))
    client.write('ping')
    await delay(5)
    stop = true

    t.ok(client.bytesRead > 0)
  })

  t.test('an end that arrives closes a client, and leaves a server open for writing', async t => {
    const one = memorySocketPair()
    one.client.end()
    one.server.resume()
    await once(one.server, 'end')
    const two = memorySocketPair()
    two.server.end()
    two.client.resume()
    await once(two.client, 'close')

    t.equal(one.server.readyState, 'writeOnly')
    t.equal(one.client.readyState, 'readOnly')
    t.equal(two.client.readyState, 'closed')
    t.equal(memorySocketPair().client.readyState, 'open')
  })

  t.test('destroySoon waits for what was written', async t => {
    const { client, server } = memorySocketPair({ highWaterMark: 16 })
    server.write('x'.repeat(100))
    server.destroySoon()
    const wasDestroyed = server.destroyed

    t.equal((await text(client)).length, 100)
    t.notOk(wasDestroyed)
    server.destroySoon()
    t.ok(server.destroyed)
  })
})

t.test('A destroyed memory socket', async t => {
  t.test('is seen as an end where everything had been read', async t => {
    const { client, server } = memorySocketPair()
    client.destroy(new Error('private'))
    client.on('error', () => undefined)

    await once(server, 'end')
    t.equal(server.errored, null)
  })

  t.test('still delivers what it had written', async t => {
    const { client, server } = memorySocketPair()
    client.write('last words', error => t.match(error, { code: 'ECANCELED' }))
    client.destroy()

    t.equal(await text(server), 'last words')
  })

  t.test('is seen as a reset where bytes were unread', async t => {
    const { client, server } = memorySocketPair()
    client.write('unread')
    await delay(1)
    server.destroy()

    const [error] = (await once(client, 'error')) as [Error]
    t.match(error, { code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' })
  })

  t.test('is seen as a reset where bytes were on their way', async t => {
    const { client, server } = memorySocketPair({ highWaterMark: 16 })
    let failed: Error | null | undefined
    client.write('x'.repeat(200_000), error => (failed = error))
    await delay(1)
    server.destroy()

    await t.rejects(once(client, 'close'), { code: 'ECONNRESET' })
    t.match(failed, { code: 'ECANCELED' })
  })

  t.test('is seen as a reset where one was asked for', async t => {
    const { client, server } = memorySocketPair()
    server.end()
    server.resetAndDestroy()

    await t.rejects(once(client, 'close'), { code: 'ECONNRESET' })
  })

  t.test('fails what is written to it', async t => {
    const { client, server } = memorySocketPair()
    client.destroy()
    server.write('too late')

    await t.rejects(once(server, 'close'), { code: 'EPIPE', syscall: 'write' })
  })

  t.test('fails what was written just before', async t => {
    const { client, server } = memorySocketPair()
    server.write('too late')
    client.destroy()

    await t.rejects(once(server, 'close'), { code: 'EPIPE' })
  })
})

t.test('MemorySocket.setTimeout', async t => {
  t.test('emits timeout after idle time, and starts over with every byte', async t => {
    const { client, server } = memorySocketPair()
    let idle = 0
    server.setTimeout(40, () => idle++).resume()
    for (const letter of ['a', 'b', 'c']) {
      client.write(letter)
      await delay(20)
    }
    const idleWhileBusy = idle
    await awake(once(server, 'timeout'))

    t.equal(idleWhileBusy, 0)
    t.equal(server.timeout, 40)
  })

  t.test('is driven by the global timers of the moment', async t => {
    const clock = new FakeTimers()
    t.teardown(() => clock.restore())
    const { client, server } = memorySocketPair()
    let idle = 0
    client.setTimeout(60_000, () => idle++)
    client.write('a')
    server.resume()
    await new Promise(resolve => process.nextTick(resolve))
    clock.fire()

    t.equal(idle, 1)
    t.equal(clock.started, 2)
    client.destroy()
    t.equal(clock.waiting, 0)
  })

  t.test('of 0 ends it, and removes the listener', async t => {
    const { client } = memorySocketPair()
    const fail = () => t.fail('timed out')
    client.setTimeout(5, fail).setTimeout(0, fail)
    await delay(10)

    t.equal(client.listenerCount('timeout'), 0)
    t.equal(client.timeout, 0)
    t.equal(client.setTimeout(5).setTimeout(0).timeout, 0)
  })

  t.test('refuses what is no duration, and starts nothing on a destroyed socket', async t => {
    const { client } = memorySocketPair()
    t.throws(() => client.setTimeout(-1), RangeError('Cannot set a socket timeout: -1 is not a duration'))
    client.destroy()

    t.equal(client.setTimeout(1, () => t.fail('timed out')).timeout, 1)
    await delay(5)
  })
})

t.test('what only a network has can be called', async t => {
  const { client } = memorySocketPair()

  t.equal(client.setKeepAlive(true, 10).setNoDelay(true).ref().unref(), client)
})

/** Timers without `refresh` and `unref`, as some fake clocks have them. */
class FakeTimers {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout }
  readonly #callbacks = new Map<number, () => void>()
  started = 0

  constructor() {
    const setTimeout = (callback: () => void) => {
      this.#callbacks.set(++this.started, callback)
      return this.started
    }
    Object.assign(globalThis, { setTimeout, clearTimeout: (id: number) => this.#callbacks.delete(id) })
  }

  get waiting(): number {
    return this.#callbacks.size
  }

  fire(): void {
    for (const callback of this.#callbacks.values()) callback()
  }

  restore(): void {
    Object.assign(globalThis, this.#real)
  }
}

t.test('idle time is counted on the clock that was given', async t => {
  let [now, timers]: [number, { at: number; fire: () => void }[]] = [0, []]
  class SteppedClock extends Clock {
    override now = () => now
    override elapsed = () => now
    override setTimer(fire: () => void, milliseconds: number): Timer {
      const timer = { at: now + milliseconds, fire }
      timers.push(timer)
      return { clear: () => (timers = timers.filter(each => each !== timer)) }
    }
  }
  const advance = (to: number) => {
    now = to
    const due = timers.filter(({ at }) => at <= to)
    timers = timers.filter(({ at }) => at > to)
    for (const { fire } of due) fire()
  }
  const { client, server } = memorySocketPair({ clock: new SteppedClock() })
  let timeouts = 0
  server.setTimeout(1000, () => timeouts++)
  advance(600)
  client.write('a')
  await once(server, 'readable')
  advance(1000)
  t.equal(timeouts, 0)
  advance(1600)
  t.equal(timeouts, 1)
  server.setTimeout(1000)
  server.setTimeout(0)
  t.same(timers, [])
})
