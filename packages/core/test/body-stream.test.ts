import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'

import { Application, createLogger, HttpError, json, Response, text } from '@allium/core'
import type { Request } from '@allium/core'
import { testClient } from '@allium/testing'

import { B0, multipart, partHead } from './encode-form.ts'
import { overEachTransport } from './transports.ts'

const MIB = 1024 * 1024
const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n'

function quietApp(): Application {
  return new Application({ logger: createLogger('error', () => {}) })
}

function errorCode(error: { code?: string; name: string }): string {
  return error.code ?? error.name
}

async function* pieces(count: number, size: number) {
  for (let n = 0; n < count; n++) yield Buffer.alloc(size, 'x')
}

overEachTransport('request.body', (t, transport) => {
  t.test('is a stream of the bytes, the same one each time', async t => {
    const app = new Application()
    app.post('/', async request => {
      const hash = createHash('sha256')
      for await (const piece of request.body) hash.update(piece as Buffer)
      return json([hash.digest('hex'), request.body === request.body])
    })
    const client = await testClient(t, app, { transport })
    const body = Buffer.alloc(300_000, 'abc')

    t.strictSame(await (await client.post('/', { body })).json(), [
      createHash('sha256').update(body).digest('hex'),
      true,
    ])
  })

  t.test('reads line by line', async t => {
    const app = new Application()
    app.post('/', async request => {
      const lines: string[] = []
      for await (const line of createInterface({ input: request.body })) lines.push(line)
      return json(lines)
    })
    const client = await testClient(t, app, { transport })

    t.strictSame(await (await client.post('/', { body: 'one\ntwo\r\nthree' })).json(), [
      'one',
      'two',
      'three',
    ])
  })

  t.test('can be sent back while it arrives', async t => {
    const app = new Application({ bodyLimit: 64 * MIB })
    app.post('/', request => new Response(request.body))
    const client = await testClient(t, app, { transport })

    const response = await client.post('/', { body: pieces(64, MIB / 4) })

    t.equal((await response.bytes()).length, 16 * MIB)
  })

  t.test('takes no more from the client than is read', async t => {
    const app = new Application({ bodyLimit: Infinity })
    let goOn: (() => void) | undefined
    app.post('/', async request => {
      request.body.read(0)
      await new Promise<void>(resolve => (goOn = resolve))
      return text(`<${(await buffer(request.body)).length}>`)
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()
    let sent = 0
    const flood = async () => {
      for (; sent < 64 * MIB; sent += MIB) await raw.send(Buffer.alloc(MIB))
    }

    await raw.send(`${HEAD}Content-Length: ${64 * MIB}\r\n\r\n`)
    const flooding = flood()
    let before = -1
    while (!goOn || sent !== before) {
      before = sent
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    t.ok(sent < 32 * MIB, `${sent} bytes were taken before anybody read`)
    goOn()

    await flooding
    t.match(await raw.receiveUntil('>'), `<${64 * MIB}>`)
  })

  t.test('fails with 413 over the limit, declared or counted (P20)', async t => {
    const app = new Application()
    app.post('/', async request => text(String((await buffer(request.body)).length)))
    const client = await testClient(t, app, { transport })

    t.equal((await client.post('/', { body: Buffer.alloc(MIB) })).status, 200)
    t.equal((await client.post('/', { body: Buffer.alloc(MIB + 1) })).status, 413)
    t.equal((await client.post('/', { body: pieces(17, MIB / 16) })).status, 413)
  })

  t.test('that fails where nobody listens does no harm', async t => {
    const app = new Application()
    app.post('/', async request => {
      request.body.resume()
      await new Promise(resolve => request.body.once('close', resolve))
      return text('still here')
    })
    const client = await testClient(t, app, { transport })

    const response = await client.post('/', { body: Buffer.alloc(MIB + 1) })

    t.equal(await response.text(), 'still here')
  })

  t.test('may be left in the middle', async t => {
    const app = new Application()
    app.post('/', async request => {
      for await (const piece of request.body) return text(`${(piece as Buffer).length > 0}`)
      return text('empty')
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.post('/', { body: pieces(8, 100_000) })).text(), 'true')
    t.equal(await (await client.post('/', { body: '' })).text(), 'empty')
  })

  t.test('has what is known already, when it has been read whole before', async t => {
    const app = new Application()
    app.use(async (request, next) => {
      if (request.hasBody) await request.bytes()
      return next(request)
    })
    app.post('/', async request => text((await buffer(request.body)).toString()))
    app.post('/parts', async request => {
      const names: string[] = []
      for await (const part of request.multipart()) names.push(part.name)
      return json(names)
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.post('/', { body: 'known' })).text(), 'known')
    t.equal((await client.post('/', { body: Buffer.alloc(MIB + 1) })).status, 413)
    const body = multipart([partHead('a'), '1'])
    t.strictSame(await (await client.post('/parts', { body, headers: B0 })).json(), ['a'])
  })

  t.test('is taken by who reads it first: what comes later says so', async t => {
    const app = new Application()
    const others: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
      bytes: request => request.bytes(),
      text: request => request.text(),
      json: request => request.json({ anyType: true }),
      form: request => request.form(),
      parts: request => request.multipart()[Symbol.asyncIterator]().next(),
    }
    app.post('/:first', async request => {
      if (request.params.first === 'parts') for await (const part of request.multipart()) await part.bytes()
      else await buffer(request.body)
      const outcomes = Object.values(others).map(read => read(request).catch(errorCode))
      return json(
        await Promise.all([
          ...outcomes,
          request.params.first === 'parts' && buffer(request.body).catch(errorCode),
        ]),
      )
    })
    const client = await testClient(t, app, { transport })

    for (const first of ['parts', 'stream']) {
      const response = await client.post(`/${first}`, { body: multipart([partHead('a'), '1']), headers: B0 })
      const used = Array<unknown>(5).fill('ERR_BODY_USED')
      t.strictSame(await response.json(), [...used, first === 'parts' && 'ERR_BODY_USED'])
    }
  })

  t.test('is not taken by who only looks at it', async t => {
    const app = new Application()
    app.post('/', async request => {
      const before = [request.hasBody, request.bodyUsed, request.body.readable]
      const content = await request.text()
      return json([...before, content, request.bodyUsed])
    })
    app.get('/', request => json([request.hasBody, request.bodyUsed]))
    const client = await testClient(t, app, { transport })

    t.strictSame(await (await client.post('/', { body: 'x' })).json(), [true, false, true, 'x', true])
    t.strictSame(await (await client.post('/', { body: pieces(1, 1) })).json(), [
      true,
      false,
      true,
      'x',
      true,
    ])
    t.strictSame(await (await client.get('/')).json(), [false, false])
    t.strictSame(await (await client.post('/', { body: '' })).json(), [false, false, true, '', true])
  })

  t.test('that was read from the raw request is not waited for', async t => {
    const app = new Application()
    app.post('/', async request => {
      await buffer(request.raw)
      return text(await request.text().then(String, errorCode))
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.post('/', { body: 'x' })).text(), 'ERR_BODY_USED')
  })

  t.test('is over with the answer: who comes later does not get half of it for all', async t => {
    const app = new Application({ bodyLimit: 8 * MIB })
    const outcomes: Promise<unknown>[] = []
    app.post('/', request => {
      const late = (read: () => Promise<unknown>) =>
        new Promise(resolve => setTimeout(resolve, 20)).then(read).then(() => 'read', errorCode)
      outcomes.push(
        late(() => request.bytes()),
        late(() => buffer(request.body)),
      )
      const begun = request.body.once('data', () => {})
      outcomes.push(new Promise(resolve => begun.once('error', error => resolve(errorCode(error)))))
      return text('early')
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()

    await raw.send(`${HEAD}Content-Length: 6000\r\n\r\n${'x'.repeat(1000)}`)
    await raw.receiveUntil('early')
    for (let n = 0; n < 5; n++) {
      await new Promise(resolve => setTimeout(resolve, 10))
      await raw.send(Buffer.alloc(1000))
    }

    t.strictSame(await Promise.all(outcomes), ['ERR_BODY_USED', 'ERR_BODY_USED', 'ERR_BODY_USED'])
  })

  t.test('fails when the client leaves, or breaks the framing', async t => {
    const app = new Application()
    let tell: ((error: unknown) => void) | undefined
    app.post('/', async request => {
      await buffer(request.body).catch((error: unknown) => tell!(error))
      return text('x')
    })
    const client = await testClient(t, app, { transport })
    const told = () => new Promise<unknown>(resolve => (tell = resolve))

    let error = told()
    const gone = client.connect()
    await gone.send(`${HEAD}Content-Length: 9\r\n\r\nabc`)
    await new Promise(resolve => setTimeout(resolve, 20))
    gone.raw.destroy()
    t.match(await error, { name: 'ClientGoneError' })

    error = told()
    await client.connect().send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n`)
    t.match(await error, { status: 400 })
    t.ok((await error) instanceof HttpError)
  })
})

overEachTransport('100 Continue', (t, transport) => {
  const readers: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
    bytes: request => request.bytes(),
    text: request => request.text(),
    json: request => request.json({ anyType: true }),
    form: request => request.form(),
    body: request => buffer(request.body),
    parts: async request => {
      for await (const part of request.multipart()) await part.text()
    },
  }
  const types: Readonly<Record<string, string>> = {
    form: 'application/x-www-form-urlencoded',
    parts: B0['content-type'],
  }
  const contents: Readonly<Record<string, string>> = { parts: multipart([partHead('a'), '1']), json: '{}' }

  t.test('is sent when a reader asks for the body, and not before (RFC 9110 §10.1.1)', async t => {
    const app = new Application()
    app.post('/:reader', async request => {
      await new Promise(resolve => setTimeout(resolve, 20))
      void request.body.readable
      await readers[request.params.reader]!(request)
      return text('<done>')
    })
    app.post('/not', () => text('<done>'))
    const client = await testClient(t, app, { transport })

    for (const reader of Object.keys(readers)) {
      const content = contents[reader] ?? 'a=1'
      const raw = client.connect()
      await raw.send(
        `POST /${reader} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: ${types[reader] ?? 'text/plain'}\r\nContent-Length: ${content.length}\r\n\r\n`,
      )
      t.equal(await raw.receiveUntil('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n', reader)
      await raw.send(content)
      t.match(await raw.receiveUntil('<done>'), /^HTTP\/1\.1 200 OK/, reader)
    }
    const raw = client.connect()
    await raw.send('POST /not HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
    t.match(await raw.receiveUntil('<done>'), /^HTTP\/1\.1 200 OK/, 'not read')
  })

  t.test('is not sent for a body that will be refused: its refusal comes instead (P6)', async t => {
    const app = quietApp()
    app.post('/:reader', async request => {
      await readers[request.params.reader]!(request)
      return text('<done>')
    })
    const client = await testClient(t, app, { transport })
    const refuse = async (reader: string, fields: string) => {
      const raw = client.connect()
      await raw.send(`POST /${reader} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n${fields}\r\n\r\n`)
      return (await raw.receiveUntil('\r\n')).trim()
    }

    for (const reader of Object.keys(readers)) {
      const type = `Content-Type: ${types[reader] ?? 'text/plain'}`
      t.match(await refuse(reader, `${type}\r\nContent-Length: 9999999`), ' 413 ', reader)
      t.match(await refuse(reader, `${type}\r\nContent-Encoding: x\r\nContent-Length: 9`), ' 415 ', reader)
    }
    t.match(await refuse('form', 'Content-Type: text/plain\r\nContent-Length: 9'), ' 415 ')
    t.match(await refuse('parts', 'Content-Type: multipart/form-data\r\nContent-Length: 9'), ' 400 ')
  })
})
