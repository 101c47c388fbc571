import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Application, json, Response, text } from '@allium/core'
import express from 'express'
import t from 'tap'
import type { Test } from 'tap'

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
})
