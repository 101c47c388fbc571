import { Application, createLogger, Form, json } from '@allium/core'
import type { FormLimits } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { B0, encodeForm, multipart, partHead } from './encode-form.ts'
import { overEachTransport } from './transports.ts'

const URLENCODED = { 'content-type': 'application/x-www-form-urlencoded' }

/** Answers with names and values, of files the name, type, size and text. */
function appThatReadsForms(limits?: FormLimits): Application {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.post('/', async request => {
    const form = await request.form({ limits })
    const shown = Array.from(form, async ([name, value]) => [
      name,
      typeof value === 'string'
        ? value
        : {
            filename: value.filename,
            contentType: value.contentType,
            size: value.size,
            text: await value.text(),
          },
    ])
    return json(await Promise.all(shown))
  })
  return app
}

overEachTransport('a form', (t, transport) => {
  t.test('that is urlencoded has its fields in order', async t => {
    const client = await testClient(t, appThatReadsForms(), { transport })
    const send = async (body: string) => (await client.post('/', { body, headers: URLENCODED })).json()

    t.strictSame(await send('a=1&b=x+y%21&a=%E6%97%A5&empty=&bare&=nameless&a=b=c'), [
      ['a', '1'],
      ['b', 'x y!'],
      ['a', '日'],
      ['empty', ''],
      ['bare', ''],
      ['', 'nameless'],
      ['a', 'b=c'],
    ])
    t.strictSame(await send(''), [])
    t.strictSame(await send('&&a=1&&'), [['a', '1']])
    t.strictSame(await send('a[b]=1&__proto__=2'), [
      ['a[b]', '1'],
      ['__proto__', '2'],
    ])
  })

  t.test('that is multipart has its fields and files in order', async t => {
    const client = await testClient(t, appThatReadsForms(), { transport })
    const sent = new FormData()
    sent.append('title', 'Naïve "日本"\r\n')
    sent.append('photo', new File(['abc'], 'dir\\a "b".png', { type: 'image/png' }))
    sent.append('photo', new File(['x'.repeat(100_000)], 'large'))
    sent.append('title', 'again')
    const { body, type } = await encodeForm(sent)

    const response = await client.post('/', { body, headers: { 'content-type': type } })

    t.strictSame(await response.json(), [
      ['title', 'Naïve "日本"\r\n'],
      ['photo', { filename: 'a "b".png', contentType: 'image/png', size: 3, text: 'abc' }],
      [
        'photo',
        {
          filename: 'large',
          contentType: 'application/octet-stream',
          size: 100_000,
          text: 'x'.repeat(100_000),
        },
      ],
      ['title', 'again'],
    ])
  })

  t.test('leaves out a file that the visitor did not choose', async t => {
    const client = await testClient(t, appThatReadsForms(), { transport })
    const body = multipart(
      [`${partHead('none', '')}\r\nContent-Type: application/octet-stream`, ''],
      [partHead('nameless', '..'), 'x'],
      [partHead('empty', 'a.txt'), ''],
    )

    const fields = await (await client.post('/', { body, headers: B0 })).json<[string][]>()

    t.strictSame(
      fields.map(([name]) => name),
      ['nameless', 'empty'],
    )
  })

  t.test('of any other type, also none, is 415 (P19)', async t => {
    const client = await testClient(t, appThatReadsForms(), { transport })
    const status = async (type?: string) =>
      (await client.post('/', { body: 'a=1', headers: { 'content-type': type as never } })).status

    for (const type of [undefined, 'text/plain', 'application/json', 'multipart/mixed; boundary=B0', 'x']) {
      t.equal(await status(type), 415, String(type))
    }
    t.equal(await status('application/x-www-form-urlencoded; charset=UTF-8'), 200)
    t.equal(await status('application/x-www-form-urlencoded; charset=iso-8859-1'), 415)
  })

  t.test('in which a percent-encoding is malformed, or not UTF-8, is 400', async t => {
    const client = await testClient(t, appThatReadsForms(), { transport })
    const status = async (body: string | Uint8Array) =>
      (await client.post('/', { body, headers: URLENCODED })).status

    for (const body of ['a=%zz', 'a=%', '%e6=1', 'a=%ff', Buffer.from('a=\xff', 'latin1')]) {
      t.equal(await status(body), 400, String(body))
    }
  })

  t.test('that is urlencoded is limited in fields, sizes and names, each 413 (P24)', async t => {
    const status = async (limits: FormLimits | undefined, body: string) => {
      const client = await testClient(t, appThatReadsForms(limits), { transport })
      return (await client.post('/', { body, headers: URLENCODED })).status
    }

    t.equal(await status(undefined, 'a=&'.repeat(1000)), 200)
    t.equal(await status(undefined, 'a=&'.repeat(1001)), 413)
    t.equal(await status(undefined, '&'.repeat(100_000)), 200)
    t.equal(await status({ fields: Infinity }, 'a=&'.repeat(1001)), 200)
    t.equal(await status({ fieldSize: 3 }, 'a=日'), 200)
    t.equal(await status({ fieldSize: 3 }, 'a=日本'), 413)
    t.equal(await status({ nameLength: 3 }, 'name=1'), 413)
    t.equal(await status({ fieldsSize: 10 }, 'a=123&b=123'), 413)
  })

  t.test('that is multipart is limited in its text together (P24)', async t => {
    const client = await testClient(t, appThatReadsForms({ fieldsSize: 10 }), { transport })
    const status = async (...contents: string[]) => {
      const parts = contents.map(content => [partHead('a'), content] as const)
      return (await client.post('/', { body: multipart(...parts), headers: B0 })).status
    }

    t.equal(await status('12345', '67890'), 200)
    t.equal(await status('12345', '678901'), 413)
  })

  t.test('costs no more memory than its fields, where large files are allowed (P24)', async t => {
    const app = new Application({ bodyLimit: 1024 ** 3 })
    app.post('/', async request => json((await request.form()).size))
    const client = await testClient(t, app, { transport })
    const body = `a=${'x'.repeat(2 * 1024 * 1024)}`

    t.equal((await client.post('/', { body, headers: URLENCODED })).status, 413)
  })

  t.test('is the same form each time, and refused each time with the same error', async t => {
    const app = new Application()
    app.post('/', async request => {
      const read = () => request.form().catch((error: unknown) => error)
      return json((await read()) === (await read()))
    })
    const client = await testClient(t, app, { transport })

    t.equal(
      await (await client.post('/', { body: multipart([partHead('a'), '1']), headers: B0 })).json(),
      true,
    )
    t.equal(await (await client.post('/', { body: 'x' })).json(), true)
  })

  t.test('can be read after the bytes, and they after a urlencoded form', async t => {
    const app = new Application()
    app.post('/', async request => {
      const bytes = await request.bytes()
      return json([bytes.length, (await request.form()).get('a')])
    })
    app.post('/after', async request => json([(await request.form()).get('a'), await request.text()]))
    const client = await testClient(t, app, { transport })
    const body = multipart([partHead('a'), '1'])

    t.strictSame(await (await client.post('/', { body, headers: B0 })).json(), [body.length, '1'])
    t.strictSame(await (await client.post('/', { form: { a: 1 } })).json(), [3, '1'])
    t.strictSame(await (await client.post('/after', { form: { a: 1 } })).json(), ['1', 'a=1'])
  })

  t.test('that is larger than its limit is refused also when its bytes are known', async t => {
    const app = new Application()
    app.post('/', async request => {
      await request.bytes()
      return json((await request.form({ limits: { fieldsSize: 2 } })).size)
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.post('/', { form: { a: 1 } })).status, 413)
  })
})

t.test('Form keeps text and files apart', async t => {
  const app = new Application()
  app.post('/', async request => {
    const form = await request.form()
    return json({
      text: [form.get('a'), form.get('f'), form.get('none'), form.getAll('a'), form.getAll('none')],
      files: [form.getFile('f')?.name, form.getFile('a'), form.getFiles('f').length],
      has: [form.has('a'), form.has('f'), form.has('none')],
      size: form.size,
      names: Array.from(form.entries(), ([name]) => name),
      object: Object.keys(form.toObject()),
      prototype: Object.getPrototypeOf(form.toObject()) as unknown,
      list: form.toObject()['a'],
      isForm: form instanceof Form,
    })
  })
  const client = await testClient(t, app)
  const body = multipart(
    [partHead('a'), '1'],
    [partHead('f', 'f'), 'x'],
    [partHead('a'), '2'],
    [partHead('__proto__'), '3'],
  )

  t.strictSame(await (await client.post('/', { body, headers: B0 })).json(), {
    text: ['1', null, null, ['1', '2'], []],
    files: ['f', null, 1],
    has: [true, true, false],
    size: 4,
    names: ['a', 'f', 'a', '__proto__'],
    object: ['a', 'f', '__proto__'],
    prototype: null,
    list: ['1', '2'],
    isForm: true,
  })
})
