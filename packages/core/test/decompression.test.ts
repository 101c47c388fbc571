import * as zlib from 'node:zlib'

import { Application, json, text } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

const MIB = 1024 * 1024
const TEXT = 'Content, said twice: Content, said twice: Content. '.repeat(50)

/** What each coding makes of bytes. */
const encoders = new Map<string, (bytes: string | Uint8Array) => Buffer>([
  ['gzip', bytes => zlib.gzipSync(bytes)],
  ['deflate', bytes => zlib.deflateSync(bytes)],
  ['br', bytes => zlib.brotliCompressSync(bytes)],
])
const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: string | Uint8Array) => Buffer }
// Node 20 has none, and that of Node 22 does not notice when a body is cut.
if (zstdCompressSync && Number(process.versions.node.split('.')[0]) >= 24) {
  encoders.set('zstd', zstdCompressSync)
}

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

overEachTransport('a compressed body', (t, transport) => {
  t.test('is decoded for every reader', async t => {
    const app = new Application()
    app.post('/text', async request => text(await request.text()))
    app.post('/json', async request => json(await request.json()))
    app.post('/form', async request => text((await request.form()).get('a') ?? ''))
    app.post('/stream', async request => {
      let all = ''
      for await (const piece of request.body) all += String(piece)
      return text(all)
    })
    const client = await testClient(t, app, { transport })

    for (const [coding, encode] of encoders) {
      const send = async (path: string, body: string, type: string) => {
        const headers = { 'content-encoding': coding, 'content-type': type }
        return (await client.post(path, { body: encode(body), headers })).text()
      }
      t.equal(await send('/text', TEXT, 'text/plain'), TEXT, coding)
      t.equal(await send('/stream', TEXT, 'text/plain'), TEXT, coding)
      t.equal(await send('/json', '{"a":1}', 'application/json'), '{"a":1}', coding)
      t.equal(await send('/form', 'a=b+c', 'application/x-www-form-urlencoded'), 'b c', coding)
    }
  })

  t.test('may come in any pieces, under any spelling of its coding', async t => {
    const app = new Application()
    app.post('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport })
    const send = async (coding: string, bytes: Uint8Array, size: number) => {
      const body = pieces(bytes, size)
      return (await client.post('/', { body, headers: { 'content-encoding': coding } })).text()
    }

    for (const [coding, encode] of encoders) t.equal(await send(coding, encode(TEXT), 1), TEXT, coding)
    t.equal(await send('X-GZIP', zlib.gzipSync(TEXT), 7), TEXT)
    t.equal(await send('deflate', zlib.deflateRawSync(TEXT), 1), TEXT, 'deflate without its header')
    t.equal(
      await send('gzip', Buffer.concat([zlib.gzipSync('a'), zlib.gzipSync('b')]), 1),
      'ab',
      'two members',
    )
    t.equal(await send('', Buffer.from('plain'), 2), 'plain')
  })

  t.test('in an unknown coding, or in several, is 415, which says what is understood (P21)', async t => {
    const app = new Application()
    app.post('/', async request => text(await request.text()))
    app.post('/stream', async request => text(String(await request.body.toArray())))
    const client = await testClient(t, app, { transport })

    for (const path of ['/', '/stream']) {
      for (const coding of ['compress', 'gzip, gzip', 'identity, gzip', 'gzip;q=1', 'x']) {
        const response = await client.post(path, { body: 'x', headers: { 'content-encoding': coding } })
        t.equal(response.status, 415, coding)
        t.equal(response.headers.get('accept-encoding'), [...encoders.keys()].join(', '))
      }
    }
  })

  t.test('that is cut, damaged, or goes on behind its end is 400 (P21)', async t => {
    const app = new Application()
    app.post('/', async request => text(await request.text()))
    const client = await testClient(t, app, { transport })
    const status = async (coding: string, body: Uint8Array, size = MIB) =>
      (await client.post('/', { body: pieces(body, size), headers: { 'content-encoding': coding } })).status

    for (const [coding, encode] of encoders) {
      const whole = encode(TEXT)
      const damaged = Buffer.from(whole)
      damaged.fill(0xff, 2, 12)
      t.equal(await status(coding, whole.subarray(0, -1)), 400, `${coding} cut`)
      t.equal(await status(coding, whole.subarray(0, 3)), 400, `${coding} hardly begun`)
      t.equal(await status(coding, damaged), 400, `${coding} damaged`)
      t.equal(await status(coding, Buffer.concat([whole, Buffer.from('more')])), 400, `${coding} with more`)
      t.equal(await status(coding, Buffer.concat([whole, Buffer.alloc(4)])), 400, `${coding} with zeros`)
      t.equal(
        await status(coding, Buffer.concat([whole, Buffer.from('x')]), whole.length),
        400,
        'more, later',
      )
      t.equal(await status(coding, Buffer.alloc(0)), 400, `${coding} of nothing`)
    }
    const inflated = zlib.deflateRawSync(TEXT)
    t.equal(await status('deflate', inflated.subarray(0, -1)), 400)
  })

  t.test('that is not announced is empty, whatever its coding', async t => {
    const app = new Application()
    app.get('/', async request => text(`<${await request.text()}>`))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/', { headers: { 'content-encoding': 'gzip' } })

    t.equal(await response.text(), '<>')
  })

  t.test('is limited by what it decodes to, and by what is sent (P20)', async t => {
    const app = new Application({ bodyLimit: 1000 })
    app.post('/', async request => text(String((await request.bytes()).length)))
    const client = await testClient(t, app, { transport })
    const send = async (coding: string, body: Uint8Array) =>
      (await client.post('/', { body: pieces(body, 100), headers: { 'content-encoding': coding } })).status

    for (const [coding, encode] of encoders) {
      t.equal(await send(coding, encode(Buffer.alloc(1000))), 200, coding)
      t.equal(await send(coding, encode(Buffer.alloc(1001))), 413, coding)
    }
    // empty blocks: any number of bytes that decode to nothing
    const nothing = Buffer.alloc(5 * 1000, Buffer.from([0, 0, 0, 0xff, 0xff]))
    t.equal(await send('deflate', nothing), 413)
  })

  t.test('that would explode is stopped midway (P21)', async t => {
    const app = new Application({ bodyLimit: MIB })
    app.post('/', async request => text(await request.text()))
    app.post('/stream', async request => {
      for await (const piece of request.body) void piece
      return text('never')
    })
    const client = await testClient(t, app, { transport })
    const memory = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed

    for (const [coding, encode] of encoders) {
      const body = encode(Buffer.alloc(64 * MIB))
      for (const path of ['/', '/stream']) {
        const before = memory()
        const response = await client.post(path, { body, headers: { 'content-encoding': coding } })
        const cost = memory() - before
        t.equal(response.status, 413, coding)
        t.ok(cost < 8 * MIB, `${coding} ${path} cost ${cost} bytes`)
      }
    }
  })

  t.test('is decoded no faster than it is read', async t => {
    const app = new Application({ bodyLimit: 256 * MIB })
    app.post('/', async request => {
      let [length, most] = [0, 0]
      for await (const piece of request.body) {
        length += (piece as Buffer).length
        most = Math.max(most, request.body.readableLength)
        if (length < 4 * MIB) await new Promise(resolve => setTimeout(resolve, 1))
      }
      return json({ length, isFlat: most < MIB / 8 })
    })
    const client = await testClient(t, app, { transport })
    const body = zlib.gzipSync(Buffer.alloc(64 * MIB))

    const response = await client.post('/', { body, headers: { 'content-encoding': 'gzip' } })

    t.strictSame(await response.json(), { length: 64 * MIB, isFlat: true })
  })

  t.test('whose client leaves midway fails with that, and serving goes on', async t => {
    const app = new Application()
    const { promise, resolve } = withResolvers<unknown>()
    app.post('/', async request => {
      await request.text().catch(resolve)
      return text('x')
    })
    app.get('/', () => text('here'))
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n')
    await raw.send(zlib.gzipSync(TEXT).subarray(0, 20))
    raw.raw.destroy()

    t.match(await promise, { name: 'ClientGoneError' })
    t.equal(await (await client.get('/')).text(), 'here')
  })
})

function withResolvers<T>() {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(done => (resolve = done))
  return { promise, resolve }
}
