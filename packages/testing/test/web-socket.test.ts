import { once } from 'node:events'

import { Application, HttpUnauthorized, json, text } from '@allium/core'
import { testClient, WebSocketRefused } from '@allium/testing'
import t from 'tap'
import type { WebSocket } from 'ws'

import { echo, SocketResponse } from './socket-response.ts'

function serve(converse: (socket: WebSocket) => void): Application {
  const app = new Application()
  app.get('/', () => new SocketResponse(converse))
  return app
}

function echoApp(): Application {
  const app = new Application()
  app.get('/', echo)
  return app
}

for (const transport of ['memory', 'tcp', 'unix'] as const) {
  t.test(`over ${transport}`, async t => {
    t.test('text, bytes and JSON come back in their order', async t => {
      const socket = await (await testClient(t, echoApp(), { transport })).ws('/')
      await socket.send('hello')
      await socket.send(Buffer.from([1, 2, 3]))
      await socket.sendJson({ n: 1 })

      t.equal(await socket.receiveText(), 'hello')
      t.same(await socket.receiveBytes(), Buffer.from([1, 2, 3]))
      t.same(await socket.receiveJson(), { n: 1 })
    })

    t.test('the client says goodbye, and the server has the last word', async t => {
      const said: unknown[] = []
      const app = serve(socket => socket.on('close', (code, reason) => said.push(code, reason.toString())))
      const socket = await (await testClient(t, app, { transport })).ws('/')

      t.same(await socket.close(4000, 'enough'), { code: 4000, reason: 'enough' })
      t.same(said, [4000, 'enough'])
      t.same(await socket.closed, { code: 4000, reason: 'enough' })
    })

    t.test('a loop ends when the server does', async t => {
      const app = serve(socket => {
        for (const n of [1, 2, 3]) socket.send(String(n))
        socket.close(4001, 'that was all')
      })
      const socket = await (await testClient(t, app, { transport })).ws('/')
      const received: unknown[] = []
      for await (const message of socket) received.push(message)

      t.same(received, ['1', '2', '3'])
      t.same(await socket.closed, { code: 4001, reason: 'that was all' })
      await t.rejects(socket.receive(), /over the WebSocket \/: it was closed with 4001 "that was all"/)
      await t.rejects(socket.send('late'), /Cannot send over the WebSocket \//)
    })

    t.test('a connection that breaks ends with 1006', async t => {
      const socket = await (
        await testClient(
          t,
          serve(socket => socket.terminate()),
          { transport },
        )
      ).ws('/')

      t.same(await socket.closed, { code: 1006, reason: '' })
    })

    t.test('a client that is cut is seen by the server', async t => {
      let closed: Promise<unknown[]> | undefined
      const app = serve(socket => void (closed = once(socket, 'close')))
      const socket = await (await testClient(t, app, { transport })).ws('/')
      socket.terminate()

      t.match(await closed, [1006])
    })

    t.test('a client that reads late holds the server back', async t => {
      let waiting = 0
      const app = serve(socket => {
        const piece = Buffer.alloc(64 * 1024, 'x')
        for (let n = 0; n < 512; n++) socket.send(piece)
        setTimeout(() => (waiting = socket.bufferedAmount), 50)
      })
      const socket = await (await testClient(t, app, { transport })).ws('/')
      await new Promise(resolve => setTimeout(resolve, 100))
      let bytes = 0
      while (bytes < 32 * 1024 * 1024) bytes += (await socket.receiveBytes()).length

      t.ok(waiting > 0, `${waiting} bytes were waiting`)
      t.equal(bytes, 32 * 1024 * 1024)
    })

    t.test('pings are counted and answered', async t => {
      let ponged: Promise<unknown[]> | undefined
      const app = serve(socket => {
        ponged = once(socket, 'pong')
        socket.ping('are you there')
      })
      const socket = await (await testClient(t, app, { transport })).ws('/')
      await socket.ping()
      await ponged

      t.same(socket.pings.map(String), ['are you there'])
    })
  })
}

t.test('what comes too late says how it ended', async t => {
  const app = serve(socket => socket.close(4001))
  const socket = await (await testClient(t, app)).ws('/')
  await socket.closed
  await t.rejects(socket.receive(), /over the WebSocket \/: it was closed with 4001$/)

  const leaving = await (await testClient(t, echoApp())).ws('/')
  const closing = leaving.close()
  await t.rejects(leaving.send('late'), /Cannot send over the WebSocket \/: WebSocket is not open/)
  await closing
})

t.test('a refusal is a response', async t => {
  const app = new Application()
  app.get('/', () => {
    throw new HttpUnauthorized()
  })
  app.get('/plain', () => json({ upgraded: false }))
  const client = await testClient(t, app)
  const refused = await client.ws('/').catch((error: unknown) => error)
  const plain = await client.ws('/plain').catch((error: unknown) => error)

  t.ok(refused instanceof WebSocketRefused && plain instanceof WebSocketRefused)
  t.equal(
    (refused as WebSocketRefused).message,
    'GET / failed: the WebSocket was refused with 401 Unauthorized',
  )
  t.equal((refused as WebSocketRefused).response.status, 401)
  t.same(await (plain as WebSocketRefused).response.json(), { upgraded: false })
})

t.test('params, query, headers, cookies and subprotocols are sent', async t => {
  const app = new Application()
  const room = app.get('/rooms/:id', request => {
    const { params, query, headers, cookies } = request
    return new SocketResponse(socket => {
      socket.send(JSON.stringify([params.id, query.get('q'), headers.get('x-key'), cookies['user']]))
    })
  })
  const client = await testClient(t, app, { headers: { 'x-key': 'open' } })
  client.cookies.set('user', 'ada')
  const socket = await client.ws(room, { params: { id: 7 }, query: { q: 'x' }, protocols: ['news', 'chat'] })

  t.same(await socket.receiveJson(), ['7', 'x', 'open', 'ada'])
  t.equal(socket.protocol, 'chat')
  t.equal(socket.extensions, '')
})

t.test('cookies of the 101 are kept', async t => {
  const app = new Application()
  app.get('/', () => {
    const response = echo()
    response.cookies.set('seen', 'yes')
    return response
  })
  const client = await testClient(t, app)
  await using socket = await client.ws('/')
  await socket.send('hello')

  t.equal(client.cookies.get('seen'), 'yes')
  t.equal(await socket.receive(), 'hello')
})

t.test('compression is agreed on when it is offered', async t => {
  const socket = await (await testClient(t, echoApp())).ws('/', { compress: true })
  await socket.send('x'.repeat(10_000))

  t.match(socket.extensions, /permessage-deflate/)
  t.equal((await socket.receiveText()).length, 10_000)
})

t.test('an encrypted client says so', async t => {
  const app = new Application()
  app.get('/', request => new SocketResponse(socket => socket.send(request.scheme)))
  const socket = await (await testClient(t, app, { encrypted: true })).ws('/')

  t.equal(await socket.receive(), 'https')
})

t.test('a message that does not come fails with the path', async t => {
  const socket = await (await testClient(t, echoApp())).ws('/', { timeout: 100 })

  await t.rejects(socket.receive(), /Cannot receive a message of \/: none came within 100 ms/)
  t.same(await socket.closed, { code: 1006, reason: '' })
})

t.test('a handshake that is not answered fails with the path', async t => {
  const app = new Application()
  app.get('/', request => once(request.signal, 'abort').then(() => text('')))
  const client = await testClient(t, app)
  const leaving = new AbortController()
  const aborted = client.ws('/', { signal: leaving.signal })
  setTimeout(() => leaving.abort(), 20)

  await t.rejects(aborted, { name: 'AbortError' })
  await t.rejects(client.ws('/', { timeout: 30 }), /GET \/ failed: no WebSocket within 30 ms/)
})

t.test('an AbortSignal cuts an open WebSocket, and one that has fired opens none', async t => {
  const leaving = new AbortController()
  const client = await testClient(t, echoApp())
  const socket = await client.ws('/', { signal: leaving.signal })
  leaving.abort()

  t.same(await socket.closed, { code: 1006, reason: '' })
  await t.rejects(client.ws('/', { signal: leaving.signal }), { name: 'AbortError' })
})

t.test('a connection that fails is an error with its code', async t => {
  const app = new Application()
  app.get('/', request => {
    request.raw.socket.destroy()
    return text('')
  })

  await t.rejects((await testClient(t, app)).ws('/'), { code: 'ECONNRESET', message: /^GET \/ failed: / })
})

t.test('what is not what was asked for says what it is', async t => {
  const app = serve(socket => {
    socket.send('text')
    socket.send(Buffer.from('12'))
    socket.send('no json')
  })
  const socket = await (await testClient(t, app)).ws('/')

  await t.rejects(socket.receiveBytes(), /Cannot receive bytes of \/: the text "text" has come/)
  await t.rejects(socket.receiveText(), /Cannot receive text of \/: 2 bytes have come/)
  await t.rejects(socket.receiveJson(), { name: 'SyntaxError', message: /as JSON: "no json"/ })
  await t.rejects(socket.sendJson(undefined), /Cannot send a undefined as JSON/)
})

t.test('a loop that is left closes the WebSocket', async t => {
  const said: number[] = []
  const app = serve(socket => {
    socket.on('close', code => said.push(code))
    socket.send('one')
  })
  const socket = await (await testClient(t, app)).ws('/')
  for await (const message of socket) {
    t.equal(message, 'one')
    break
  }

  t.same(said, [1000])
})

t.test('a schema looks at a message', async t => {
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'number' ? { value: value + 1 } : { issues: [{ message: 'is no number' }] },
    },
  } as const
  const socket = await (await testClient(t, echoApp())).ws('/')
  await socket.sendJson(1)
  await socket.sendJson('1')

  t.equal(await socket.receiveJson({ schema }), 2)
  await t.rejects(socket.receiveJson({ schema }), /is no number/)
})

t.test('a client that is closed cuts its WebSockets', async t => {
  const client = await testClient(t, echoApp())
  const socket = await client.ws('/')
  await client.close()

  t.same(await socket.closed, { code: 1006, reason: '' })
})
