import { Application, createLogger, json, text } from '@allium/core'
import type { FormLimits, MultipartPart } from '@allium/core'
import { testClient } from '@allium/testing'

import { B0, encodeForm, multipart, partHead } from './encode-form.ts'
import { overEachTransport } from './transports.ts'

const MIB = 1024 * 1024

async function* slowly(bytes: string | Uint8Array, size: number) {
  const all = Buffer.from(bytes as string)
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size)
}

/** Answers with how the parts were read. */
function appThatReads(read: (part: MultipartPart) => unknown, limits?: FormLimits): Application {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.post('/', async request => {
    const results: unknown[] = []
    for await (const part of request.multipart({ limits })) results.push(await read(part))
    return json(results)
  })
  return app
}

overEachTransport('a multipart body', (t, transport) => {
  t.test('gives its parts, each with its name and what it says of itself', async t => {
    const app = appThatReads(async ({ name, filename, contentType, charset, headers }) => [
      name,
      filename,
      contentType,
      charset,
      headers.get('x-more'),
    ])
    const client = await testClient(t, app, { transport })
    const body = multipart(
      [partHead('title'), 'x'],
      [`${partHead('photo', 'dir/a.png')}\r\nContent-Type: Image/PNG\r\nX-More: y`, 'x'],
      [`${partHead('notes', 'b')}\r\nContent-Type: text/plain; charset="Latin1"`, 'x'],
      [partHead('raw', 'c'), 'x'],
    )

    t.strictSame(await (await client.post('/', { body, headers: B0 })).json(), [
      ['title', null, 'text/plain', null, null],
      ['photo', 'a.png', 'image/png', null, 'y'],
      ['notes', 'b', 'text/plain', 'latin1', null],
      ['raw', 'c', 'application/octet-stream', null, null],
    ])
  })

  t.test('has parts that read as bytes, text, JSON or a stream, again and again', async t => {
    const app = appThatReads(async part => {
      if (part.name === 'bytes') return [(await part.bytes()).length, (await part.bytes()).length]
      if (part.name === 'text') return [await part.text(), await part.text()]
      if (part.name === 'json') return [await part.json(), (await part.bytes()).length]
      const pieces = await part.stream().toArray()
      return [Buffer.concat(pieces as Buffer[]).toString(), part.stream() === part.stream()]
    })
    const client = await testClient(t, app, { transport })
    const form = new FormData()
    form.set('bytes', new Blob([new Uint8Array(100_000)]))
    form.set('text', 'naïve 日本')
    form.set('json', new Blob(['{"a":1}'], { type: 'application/json' }))
    form.set('stream', 'x'.repeat(100_000))
    const { body, type } = await encodeForm(form)

    const response = await client.post('/', { body, headers: { 'content-type': type } })

    t.strictSame(await response.json(), [
      [100_000, 100_000],
      ['naïve 日本', 'naïve 日本'],
      [{ a: 1 }, 7],
      ['x'.repeat(100_000), true],
    ])
  })

  t.test('has parts whose collected bytes can be streamed, empty ones too', async t => {
    const app = appThatReads(async part => {
      await part.bytes()
      return String(Buffer.concat((await part.stream().toArray()) as Buffer[]))
    })
    const client = await testClient(t, app, { transport })

    const body = multipart([partHead('a'), 'full'], [partHead('b'), ''])

    t.strictSame(await (await client.post('/', { body, headers: B0 })).json(), ['full', ''])
  })

  t.test('has text in the charset that its part names', async t => {
    const app = appThatReads(part => part.text())
    const client = await testClient(t, app, { transport })
    const send = (charset: string, content: string) => {
      const body = multipart([`${partHead('a')}\r\nContent-Type: text/plain; charset=${charset}`, content])
      return client.post('/', { body: Buffer.from(body, 'latin1'), headers: B0 })
    }

    t.strictSame(await (await send('iso-8859-1', '\xe9')).json(), ['é'])
    t.equal((await send('utf-8', '\xe9')).status, 400)
    t.equal((await send('martian', 'x')).status, 415)
  })

  t.test('skips what is not read of a part, however much it is', async t => {
    const app = appThatReads(async part => {
      if (part.name === 'half') for await (const piece of part.stream()) return (piece as Buffer).length > 0
      return part.name === 'last' ? part.text() : undefined
    })
    const client = await testClient(t, app, { transport })
    const body = multipart(
      [partHead('unread', 'a'), 'x'.repeat(300_000)],
      [partHead('half', 'b'), 'y'.repeat(300_000)],
      [partHead('last'), 'here'],
    )

    t.strictSame(await (await client.post('/', { body, headers: B0 })).json(), [null, true, 'here'])
  })

  t.test('may be left before its end', async t => {
    const app = new Application()
    app.post('/', async request => {
      for await (const part of request.multipart()) return text(await part.text())
      return text('none')
    })
    const client = await testClient(t, app, { transport })
    const body = multipart([partHead('a'), 'first'], [partHead('b', 'b'), 'x'.repeat(500_000)])

    t.equal(await (await client.post('/', { body, headers: B0 })).text(), 'first')
    t.equal(await (await client.post('/', { body: '--B0--', headers: B0 })).text(), 'none')
  })

  t.test('has parts that can be read only until the next one', async t => {
    const app = new Application()
    app.post('/', async request => {
      const parts: MultipartPart[] = []
      for await (const part of request.multipart()) parts.push(part)
      const codes = [parts[0]!.bytes(), parts[1]!.stream().toArray()].map(read =>
        read.catch((error: { code: string }) => error.code),
      )
      return json(await Promise.all(codes))
    })
    const client = await testClient(t, app, { transport })
    const body = multipart([partHead('a'), '1'], [partHead('b'), '2'])

    const response = await client.post('/', { body, headers: B0 })

    t.strictSame(await response.json(), ['ERR_BODY_USED', 'ERR_BODY_USED'])
  })

  t.test('has parts that are a stream or bytes, not first the one and then the other', async t => {
    const app = appThatReads(async part => {
      part.stream()
      return part.bytes().catch((error: { code: string }) => error.code)
    })
    const client = await testClient(t, app, { transport })

    const response = await client.post('/', { body: multipart([partHead('a'), '1']), headers: B0 })

    t.strictSame(await response.json(), ['ERR_BODY_USED'])
  })

  t.test('arrives as it is sent, part by part', async t => {
    const app = new Application()
    let isFirstRead: (() => void) | undefined
    app.post('/', async request => {
      for await (const part of request.multipart()) {
        await part.bytes()
        isFirstRead?.()
      }
      return text('all')
    })
    const client = await testClient(t, app, { transport })
    const raw = client.connect()
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${B0['content-type']}\r\nTransfer-Encoding: chunked`
    const chunk = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n`

    const firstRead = new Promise<void>(resolve => (isFirstRead = resolve))
    await raw.send(`${head}\r\n\r\n${chunk(`--B0\r\n${partHead('a')}\r\n\r\n1\r\n--B0\r\n`)}`)
    await firstRead
    await raw.send(`${chunk(`${partHead('b')}\r\n\r\n2\r\n--B0--`)}0\r\n\r\n`)

    t.match(await raw.receiveUntil('all'), /200 OK/)
  })

  t.test('of any other type is 415, and without a good boundary 400 (P24)', async t => {
    const client = await testClient(
      t,
      appThatReads(part => part.name),
      { transport },
    )
    const status = async (type: string | undefined, boundary = 'B0') => {
      const body = multipart([partHead('a'), '1']).replaceAll('B0', boundary)
      return (await client.post('/', { body, headers: { 'content-type': type as never } })).status
    }

    t.equal(await status(undefined), 415)
    t.equal(await status('text/plain; boundary=B0'), 415)
    t.equal(await status('multipart/form-data'), 400)
    t.equal(await status('multipart/form-data; boundary=""'), 400)
    t.equal(await status('multipart/form-data; boundary=B1'), 400)
    t.equal(await status(`multipart/form-data; boundary=${'b'.repeat(71)}`, 'b'.repeat(71)), 400)
    t.equal(await status('multipart/form-data; boundary="B 0"', 'B 0'), 200)
  })

  t.test('of another multipart type may have parts without a name', async t => {
    const client = await testClient(
      t,
      appThatReads(async part => [part.name, await part.text()]),
      { transport },
    )
    const body = multipart(
      ['Content-Type: text/plain', '1'],
      ['Content-Disposition: attachment; name="a"', '2'],
    )
    const send = (type: string) =>
      client.post('/', { body, headers: { 'content-type': `multipart/${type}; boundary=B0` } })

    t.strictSame(await (await send('mixed')).json(), [
      ['', '1'],
      ['a', '2'],
    ])
    t.equal((await send('form-data')).status, 400)
  })

  t.test('that is cut or malformed is 400 even if no part is read (P24)', async t => {
    const client = await testClient(
      t,
      appThatReads(() => 'unread'),
      { transport },
    )
    const whole = multipart([partHead('a'), '1'], [partHead('b', 'b'), 'x'.repeat(100)])
    const status = async (body: string) => (await client.post('/', { body, headers: B0 })).status

    for (const length of [0, 3, 20, 60, 120, whole.length - 5])
      t.equal(await status(whole.slice(0, length)), 400)
    t.equal(await status(whole.replace('name="b"', 'name=')), 400)
    t.equal(await status(whole.replace('Content-Disposition', 'Content Disposition')), 400)
    t.equal(await status(whole), 200)
  })

  t.test('that turns out malformed within a part stays so, if the handler looks away', async t => {
    const app = appThatReads(async part => {
      await part.text().catch(() => {})
      await part.text().catch(() => {})
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.post('/', { body: `--B0\r\n${partHead('a')}\r\n\r\n1`, headers: B0 })).status, 400)
  })

  t.test('is limited in fields, files, sizes, names and header fields, each 413 (P24)', async t => {
    const field = (name: string, content = 'x') => [partHead(name), content] as const
    const file = (name: string, content = 'x') => [partHead(name, 'f'), content] as const
    const status = async (limits: FormLimits, ...parts: (readonly [string, string])[]) => {
      const client = await testClient(
        t,
        appThatReads(part => part.bytes(), limits),
        { transport },
      )
      return (await client.post('/', { body: multipart(...parts), headers: B0 })).status
    }

    t.equal(await status({ fields: 2 }, field('a'), field('b'), file('c')), 200)
    t.equal(await status({ fields: 1 }, field('a'), field('b')), 413)
    t.equal(await status({ files: 0 }, file('a')), 413)
    t.equal(await status({ fieldSize: 10 }, field('a', 'x'.repeat(10)), file('b', 'x'.repeat(11))), 200)
    t.equal(await status({ fieldSize: 10 }, field('a', 'x'.repeat(11))), 413)
    t.equal(await status({ fileSize: 10 }, file('a', 'x'.repeat(11))), 413)
    t.equal(await status({ nameLength: 4 }, field('naïv')), 413)
    t.equal(await status({ headersCount: 1 }, [`${partHead('a')}\r\nX: y`, '1']), 413)
    t.equal(await status({ headerSize: 40 }, field('a')), 200)
    t.equal(await status({ headerSize: 39 }, field('a')), 413)
  })

  t.test('has limits without being told: 1000 fields, 100 files, 1 MiB a field', async t => {
    const app = appThatReads(() => undefined)
    const client = await testClient(t, app, { transport })
    const parts = (count: number, filename?: string) =>
      multipart(...Array.from({ length: count }, () => [partHead('a', filename), ''] as const))
    const status = async (body: string) => (await client.post('/', { body, headers: B0 })).status

    t.equal(await status(parts(1000)), 200)
    t.equal(await status(parts(1001)), 413)
    t.equal(await status(parts(100, 'f')), 200)
    t.equal(await status(parts(101, 'f')), 413)
  })

  t.test('is bound by the body limit in all its parts together, in chunks too (P20)', async t => {
    const client = await testClient(
      t,
      appThatReads(part => part.stream().resume()),
      { transport },
    )
    const third = [partHead('a', 'f'), 'x'.repeat(MIB / 3)] as const
    const body = multipart(third, third, third)

    t.equal((await client.post('/', { body, headers: B0 })).status, 413)
    t.equal((await client.post('/', { body: slowly(body, 100_000), headers: B0 })).status, 413)
  })

  t.test('is not decoded from base64, which would be stored as if it were the file', async t => {
    const client = await testClient(
      t,
      appThatReads(part => part.text()),
      { transport },
    )
    const status = async (encoding: string) => {
      const body = multipart([`${partHead('a')}\r\nContent-Transfer-Encoding: ${encoding}`, 'eA=='])
      return (await client.post('/', { body, headers: B0 })).status
    }

    t.equal(await status('base64'), 415)
    t.equal(await status('Binary'), 200)
  })

  t.test('reads the same in any pieces', async t => {
    const client = await testClient(
      t,
      appThatReads(part => part.text()),
      { transport },
    )
    const body = multipart([partHead('a'), 'one\r\n--B'], [partHead('b', 'b'), '\r\n'])

    for (const size of [1, 2, 7]) {
      const response = await client.post('/', { body: slowly(body, size), headers: B0 })
      t.strictSame(await response.json(), ['one\r\n--B', '\r\n'], `${size} bytes each`)
    }
  })

  t.test('refuses limits that are none', async t => {
    const client = await testClient(
      t,
      appThatReads(() => undefined, { files: -1 }),
      { transport },
    )

    t.equal((await client.post('/', { body: multipart(), headers: B0 })).status, 500)
  })
})
