import { Application, HttpForbidden, json, text } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

const MIB = 1024 * 1024

/** Pieces of a body, each sent as a chunk of its own. */
async function* chunks(count: number, size: number) {
  for (let n = 0; n < count; n++) yield Buffer.alloc(size, 'x')
}

overEachTransport('a body', (t, transport) => {
  t.test('without a byte is empty for bytes and text', async t => {
    const app = new Application()
    app.post('/', async request => json([(await request.bytes()).length, await request.text()]))
    app.get('/', async request => json([(await request.bytes()).length, await request.text()]))
    const client = await testClient(t, app, { transport })

    t.strictSame(await (await client.post('/', { body: '' })).json(), [0, ''])
    t.strictSame(await (await client.get('/')).json(), [0, ''])
  })

  t.test('is the same value each time it is read, even when it is refused', async t => {
    const app = new Application()
    app.post('/', async request => {
      const first = await request.json().catch((error: unknown) => error)
      const second = await request.json().catch((error: unknown) => error)
      return text(String(first === second))
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.post('/', { json: { a: 1 } })).text(), 'true')
    t.equal(await (await client.post('/', { body: '{}' })).text(), 'true')
  })

  t.test('is limited to 1 MiB, declared or counted, unless something else is said (P20)', async t => {
    const app = new Application()
    app.post('/', async request => text(String((await request.bytes()).length)))
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.post('/', { body: Buffer.alloc(MIB) })).text(), String(MIB))
    t.equal((await client.post('/', { body: Buffer.alloc(MIB + 1) })).status, 413)
    t.equal(await (await client.post('/', { body: chunks(16, MIB / 16) })).text(), String(MIB))
    t.equal((await client.post('/', { body: chunks(17, MIB / 16) })).status, 413)
  })

  t.test('is limited by the nearest: route, mounted application, application (P20)', async t => {
    const app = new Application({ bodyLimit: 10 })
    const inner = new Application({ bodyLimit: 20 })
    const plain = new Application()
    for (const each of [app, inner, plain]) each.post('/x', async request => text(await request.text()))
    inner.post('/route', async request => text(await request.text()), { bodyLimit: 5 })
    app.mount('/inner', inner)
    app.mount('/plain', plain)
    const client = await testClient(t, app, { transport })
    const status = async (path: string, length: number) =>
      (await client.post(path, { body: 'x'.repeat(length) })).status

    t.strictSame([await status('/x', 10), await status('/x', 11)], [200, 413])
    t.strictSame([await status('/inner/x', 20), await status('/inner/x', 21)], [200, 413])
    t.strictSame([await status('/inner/route', 5), await status('/inner/route', 6)], [200, 413])
    t.strictSame([await status('/plain/x', 10), await status('/plain/x', 11)], [200, 413])
  })

  t.test('costs what its bytes cost, in a million chunks as well (P22)', async t => {
    const app = new Application()
    app.post('/', async request => text(`<${(await request.bytes()).length}>`))
    const client = await testClient(t, app, { transport, timeout: 20_000 })
    const raw = client.connect()
    const piece = '1\r\nx\r\n'.repeat(10_000)

    const before = process.memoryUsage().heapUsed
    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let n = 0; n < 100; n++) await raw.send(piece)
    await raw.send('0\r\n\r\n')

    t.match(await raw.receiveUntil(/<.*>/), /<1000000>/)
    t.ok(process.memoryUsage().heapUsed - before < 200 * MIB)
  })

  t.test('of 2 MiB that is written whole before anything is read still gets its 413 (P5)', async t => {
    const app = new Application()
    app.post('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    raw.raw.pause()
    const sent = raw.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * MIB}\r\n\r\n`)
    raw.send(Buffer.alloc(2 * MIB)).catch(() => {})
    await sent
    await new Promise(resolve => setTimeout(resolve, 500))
    raw.raw.resume()

    t.match(await raw.receiveUntil(/413 [^]*\r\n\r\n[^]*\n/), /^HTTP\/1\.1 413 [^]*Connection: close/)
  })

  t.test('that nobody reads ends the connection within its bounds (P5)', async t => {
    const app = new Application()
    app.post('/', () => text('<done>'))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
    await raw.receiveUntil('<done>')
    const start = performance.now()
    await Promise.race([raw.closed, new Promise(resolve => setTimeout(resolve, 10_000))])

    const took = performance.now() - start
    t.ok(took > 1500 && took < 9000, `${took} ms`)
  })

  t.test('without an end is cut, not swallowed (P5)', async t => {
    const app = new Application()
    app.post('/', () => text('<done>'))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()
    let sent = 0
    const flood = async () => {
      const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`
      for (; sent < 64 * MIB; sent += 0x10000) await raw.send(piece)
    }

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    void flood().catch(() => {})
    await Promise.race([raw.closed, new Promise(resolve => setTimeout(resolve, 4000))])

    t.ok(sent < 32 * MIB, `${sent} bytes`)
  })

  t.test('that is refused before it is read leaves the answer as it is', async t => {
    const app = new Application()
    app.post('/', () => {
      throw new HttpForbidden()
    })
    const client = await testClient(t, app, { transport })

    const response = await client.post('/', { body: Buffer.alloc(2 * MIB) })

    t.equal(`${response.status} ${await response.text()}`, '403 403: Forbidden\n')
  })

  t.test('that is discarded leaves nothing behind on its connection', async t => {
    const app = new Application()
    const listeners: number[] = []
    app.post('/', ({ raw }) => {
      listeners.push(raw.socket.listenerCount('close'))
      return text('<done>')
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    for (let n = 0; n < 5; n++) {
      await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1')
      await raw.receiveUntil('<done>')
      await raw.send('23456789')
    }

    t.strictSame(new Set(listeners).size, 1, String(listeners))
  })

  t.test('is JSON only by a JSON type, read by grammar (P19)', async t => {
    const app = new Application()
    app.post('/', async request => json(await request.json()))
    const client = await testClient(t, app, { transport })
    const status = async (type: string) =>
      (await client.post('/', { body: '{}', headers: { 'content-type': type } })).status

    for (const type of ['application/json', 'APPLICATION/JSON', 'application/ld+json;charset="utf-8"']) {
      t.equal(await status(type), 200, type)
    }
    for (const type of [
      'text/json',
      'application/jsonx',
      'application/json x',
      'application/x; a=application/json',
    ]) {
      t.equal(await status(type), 415, type)
    }
  })

  t.test('as JSON cannot pollute a prototype or overflow the stack (P23)', async t => {
    const app = new Application()
    app.post('/', async request => json(await request.json()))
    const client = await testClient(t, app, { transport })
    const status = async (body: string) =>
      (await client.post('/', { body, headers: { 'content-type': 'application/json' } })).status

    t.equal(await status('{"a":[{"\\u005f_proto__":{}}]}'), 400)
    t.equal(await status('{"constructor":{"prototype":{}}}'), 400)
    t.equal(await status('{"constructor":"mason","a":"__proto__"}'), 200)
    t.equal(await status('['.repeat(500_000) + ']'.repeat(500_000)), 400)
    t.equal(await status('['.repeat(500_000)), 400)
    t.equal(await status('['.repeat(512) + ']'.repeat(512)), 200)
  })
})

overEachTransport('what is read of a body', (t, transport) => {
  t.test('the body is read as bytes, text and JSON, each as often as asked for', async t => {
    const app = new Application()
    app.post('/', async request => {
      await request.json()
      return json([(await request.bytes()).length, await request.text(), await request.json()])
    })
    const client = await testClient(t, app, { transport })

    const response = await client.post('/', { json: { a: 'é' } })

    t.strictSame(await response.json(), [10, '{"a":"é"}', { a: 'é' }])
  })

  t.test('a body over the limit is 413, declared or not, and the limit of a route wins', async t => {
    const app = new Application({ bodyLimit: 10 })
    app.post('/', async request => text(await request.text()))
    app.post('/large', async request => text(await request.text()), { bodyLimit: 100 })
    const client = await testClient(t, app, { transport })
    const chunked = (async function* () {
      yield Buffer.alloc(8)
      yield Buffer.alloc(8)
    })()

    t.equal((await client.post('/', { body: 'x'.repeat(11) })).status, 413)
    t.equal((await client.post('/', { body: chunked })).status, 413)
    t.equal((await client.post('/', { body: 'x'.repeat(10) })).status, 200)
    t.equal((await client.post('/large', { body: 'x'.repeat(50) })).status, 200)
  })

  t.test('what is wrong with a JSON body is said with the right status (P19, P23)', async t => {
    const app = new Application()
    app.post('/', async request => json(await request.json()))
    app.post('/any', async request => json(await request.json({ anyType: true })))
    const client = await testClient(t, app, { transport })
    const send = async (body: string | Uint8Array, type: string, path = '/') =>
      (await client.post(path, { body, headers: type ? { 'content-type': type } : {} })).status

    t.equal(await send('{}', 'application/json'), 200)
    t.equal(await send('{}', 'application/problem+json; charset=utf-8'), 200)
    t.equal(await send('{}', 'text/plain'), 415)
    t.equal(await send('{}', 'application/json; x'), 415)
    t.equal(await send('{}', '', '/any'), 200)
    t.equal(await send('', 'application/json'), 400)
    t.equal(await send('{"a":', 'application/json'), 400)
    t.equal(await send('{"__proto__":1}', 'application/json'), 400)
    t.equal(await send(Uint8Array.of(0x22, 0xff, 0x22), 'application/json'), 400)
  })

  t.test('text is decoded by its charset; an unknown one, and an unknown coding, are 415', async t => {
    const app = new Application()
    app.post('/', async request => text(`${request.charset} ${await request.text()}`))
    const client = await testClient(t, app, { transport })
    const send = (body: string | Uint8Array, headers: Record<string, string>) =>
      client.post('/', { body, headers })

    const latin = await send(Uint8Array.of(0xe9), { 'content-type': 'text/plain; charset="ISO-8859-1"' })

    t.equal(await latin.text(), 'iso-8859-1 é')
    t.equal((await send('x', { 'content-type': 'text/plain; charset=martian' })).status, 415)
    t.equal((await send('x', { 'content-encoding': 'compress' })).status, 415)
    t.equal((await send('x', { 'content-encoding': 'identity' })).status, 200)
  })
})
