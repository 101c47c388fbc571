import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { buffer } from 'node:stream/consumers'

import { Application, file, json, Response, text } from '@allium/core'
import compression from 'compression'
import express from 'express'
import t from 'tap'
import type { Test } from 'tap'

const LINES = Array.from({ length: 200_000 }, (_, i) => `line ${i}`).join('\n')

async function listen(t: Test, listener: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise(resolve => server.on('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function started(t: Test): Promise<Application> {
  const app = new Application()
  app.get('/', () => text('hello'))
  app.get('/stream', () => new Response(new Blob(['str', 'eam']).stream()))
  app.post('/echo', async request => json(await request.json()))
  await app.startup()
  t.teardown(() => app.cleanup())
  return app
}

t.test('nodeListener', async t => {
  t.test("serves from a server of Node's", async t => {
    const app = await started(t)
    const url = await listen(t, app.nodeListener())

    t.equal(await (await fetch(url)).text(), 'hello')
    t.equal(await (await fetch(`${url}/stream`)).text(), 'stream')
    t.equal((await fetch(`${url}/nowhere`)).status, 404)
    const sent = await fetch(`${url}/echo`, {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    })
    t.same(await sent.json(), { a: 1 })
  })

  t.test('serves inside an Express application', async t => {
    const app = await started(t)
    const outer = express()
    outer.get('/', (_request, response) => void response.send('outer'))
    outer.use('/inner', app.nodeListener())
    const url = await listen(t, outer)

    t.equal(await (await fetch(url)).text(), 'outer')
    t.equal(await (await fetch(`${url}/inner/`)).text(), 'hello')
  })

  t.test('leaves the bytes of a file to a middleware of Express that keeps them', async t => {
    const app = new Application()
    app.get('/', () => file(join(t.testdir({ 'lines.txt': LINES }), 'lines.txt')))
    await app.startup()
    const url = await listen(t, express().use(compression(), app.nodeListener()))

    const response = await fetch(url)

    t.equal(response.headers.get('content-encoding'), 'gzip')
    t.ok((await response.text()) === LINES, 'it is the same text')
  })

  t.test('leaves the bytes of a file to a stream that keeps them', async t => {
    const app = new Application()
    app.get('/', () => file(join(t.testdir({ 'lines.txt': LINES }), 'lines.txt')))
    await app.startup()
    const [client, connection] = duplexPair()
    createServer(app.nodeListener()).emit('connection', connection)

    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')

    t.ok(String(await buffer(client)).endsWith(`\r\n\r\n${LINES}`), 'it is the same text')
  })

  t.test("serves streams that are no sockets, as Node's own server does", async t => {
    const app = await started(t)
    const requests = {
      'GET / HTTP/1.1\r\n': '200 OK',
      'GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n': '200 OK',
      'POST / HTTP/1.1\r\nContent-Length: 100000\r\n': '405 Method Not Allowed',
    }
    for (const [head, status] of Object.entries(requests)) {
      const [client, connection] = duplexPair()
      const server = createServer(app.nodeListener()).on('upgrade', app.upgradeListener())
      server.emit('connection', connection)

      client.write(`${head}Host: a\r\n${head.includes('Upgrade') ? '' : 'Connection: close\r\n'}\r\n`)

      t.equal(String(await buffer(client)).slice(9, 9 + status.length), status, head)
    }
  })
})
