import { readdirSync } from 'node:fs'

import { Application, createLogger, json } from '@allium/core'
import type { FormValue } from '@allium/core'
import { testClient } from '@allium/testing'
import type { TestClient } from '@allium/testing'
import fc from 'fast-check'
import t from 'tap'
import type { Test } from 'tap'

import { B0, encodeForm, multipart, partHead } from './encode-form.ts'

/** For each property, in milliseconds: what has been found by then is the result. */
const BUDGET = 3000

// A backslash before the quote is where clients disagree.
const name = fc.string({ unit: 'grapheme', maxLength: 20 }).filter(text => !text.endsWith('\\'))
const filename = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter(text => !/[/\\\p{Cc}]/u.test(text) && text !== '.' && text !== '..')
const file = fc.record({
  filename,
  type: fc.constantFrom('', 'text/plain', 'image/png', 'application/octet-stream'),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(new Uint8Array(70_000).fill(13))),
})
const fields = fc.array(fc.tuple(name, fc.oneof(fc.string({ unit: 'grapheme' }), file)), { maxLength: 8 })
/** Sizes of the pieces that a body is sent in, over and over. */
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 80 }), fc.constant(10_000)), {
  minLength: 1,
  maxLength: 5,
})
const mutation = fc.record({
  kind: fc.constantFrom('cut', 'flip', 'drop', 'insert', 'repeat'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc
      .constantFrom('\r\n', '\r', '--B0', '\r\n--B0\r\n', '\r\n--B0--\r\n', '"', ';', ':', '\\', '\r\n\r\n')
      .map(text => Buffer.from(text)),
  ),
})

type Field = readonly [string, string | { filename: string; type: string; bytes: Uint8Array }]
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never

async function show([name, value]: readonly [string, FormValue | File]): Promise<unknown[]> {
  if (typeof value === 'string') return [name, value]
  const [filename, type] =
    'filename' in value ? [value.filename, value.contentType] : [value.name, value.type]
  const bytes = 'filename' in value ? await value.bytes() : Buffer.from(await value.arrayBuffer())
  return [name, filename, type, bytes.toString('base64')]
}

/** Two readers of forms: one that holds them, one that goes through the parts and leaves each in another way. */
function createApp(): Application {
  const app = new Application({ bodyLimit: 4 * 1024 * 1024, logger: createLogger('error', () => {}) })
  app.post('/form', async request => json(await Promise.all(Array.from(await request.form(), show))))
  app.post('/parts', async request => {
    let count = 0
    for await (const part of request.multipart()) {
      count++
      if (count % 4 === 1) await part.bytes()
      if (count % 4 === 2) part.stream().resume()
      if (count % 4 === 3) for await (const piece of part.stream()) if ((piece as Buffer).length > 10) break
    }
    return json(count)
  })
  return app
}

/** Large bodies in larger pieces. */
async function* inPieces(bytes: Uint8Array, sizes: readonly number[]) {
  const scale = Math.ceil(bytes.length / 2000)
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length]! * scale
    yield bytes.subarray(at, at + size)
    at += size
  }
}

function mutate(body: Buffer, { kind, at, bytes }: Mutation): Buffer {
  const position = Math.floor(at * body.length)
  const [before, after] = [body.subarray(0, position), body.subarray(position)]
  if (kind === 'cut') return before
  if (kind === 'drop') return Buffer.concat([before, after.subarray(bytes.length)])
  if (kind === 'insert') return Buffer.concat([before, bytes, after])
  if (kind === 'repeat') return Buffer.concat([body, body.subarray(position)])
  return Buffer.concat([before, bytes, after.subarray(bytes.length)])
}

async function start(t: Test): Promise<{ client: TestClient; temporary: () => string[] }> {
  const path = t.testdir()
  process.env['TMPDIR'] = path
  t.teardown(() => delete process.env['TMPDIR'])
  return { client: await testClient(t, createApp()), temporary: () => readdirSync(path) }
}

/** Knows the last run, which goes on when the time is up: it has a connection and files, and has to end before they go. */
function followed<Values extends unknown[]>(check: (...values: Values) => Promise<void>) {
  let last = Promise.resolve()
  return {
    check: (...values: Values) => (last = check(...values)),
    ended: () => last,
  }
}

/** Files are removed when the answer has left, which is just before the client has it all. */
async function assertRemoved(temporary: () => string[]): Promise<void> {
  for (let n = 0; n < 200 && temporary().length > 0; n++) await new Promise(resolve => setTimeout(resolve, 5))
  if (temporary().length > 0) throw new Error(`Temporary files are left: ${temporary().join(', ')}`)
}

t.test('any form comes back as the platform reads it, in whatever pieces it is sent', async t => {
  const { client, temporary } = await start(t)
  const run = followed(async (list: readonly Field[], sizes: number[]) => {
    const form = new FormData()
    for (const [name, value] of list) {
      if (typeof value === 'string') form.append(name, value)
      else form.append(name, new File([value.bytes], value.filename, { type: value.type }))
    }
    const { body, type } = await encodeForm(form)
    const expected = await new Response(body, { headers: { 'content-type': type } }).formData()

    const response = await client.post('/form', {
      body: inPieces(body, sizes),
      headers: { 'content-type': type },
    })

    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    const shown = await Promise.all(Array.from(expected, show))
    if (JSON.stringify(await response.json()) !== JSON.stringify(shown)) throw new Error('Not the same form')
    await assertRemoved(temporary)
  })

  const property = fc.asyncProperty(fields, sizes, run.check)
  await fc.assert(property, { interruptAfterTimeLimit: BUDGET, numRuns: 300 })
  await run.ended()
  t.pass('held')
})

t.test(
  'any damage to a body is 4xx or another form, never a hang, and leaves no file behind (P24, P25)',
  async t => {
    const { client, temporary } = await start(t)
    const whole = Buffer.from(
      multipart(
        [partHead('title'), 'text'],
        [`${partHead('photo', 'a.png')}\r\nContent-Type: image/png`, '\r\n'.repeat(40_000)],
        [`Content-Disposition: form-data; name="b"; filename*=UTF-8''%e2%82%ac`, 'x'],
        [partHead('empty', 'e'), ''],
      ),
    )
    const path = fc.constantFrom('/form', '/parts')
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 })
    const run = followed(async (path: string, mutations: Mutation[], sizes: number[]) => {
      const body = mutations.reduce(mutate, whole)

      const response = await client.post(path, {
        body: inPieces(body, sizes),
        headers: B0,
      })

      await response.text()
      if (![200, 400, 413, 415].includes(response.status)) throw new Error(`${response.status}`)
      await assertRemoved(temporary)
    })

    const property = fc.asyncProperty(path, mutations, sizes, run.check)
    await fc.assert(property, { interruptAfterTimeLimit: BUDGET, numRuns: 400 })
    await run.ended()
    t.pass('held')
  },
)

t.test('any body at all is answered, under any boundary', async t => {
  const { client } = await start(t)
  const run = followed(async (body: Uint8Array, boundary: string) => {
    const type = `multipart/form-data; boundary="${boundary.replaceAll(/[^ -~]|["\\]/g, '')}"`

    const response = await client.post('/parts', { body, headers: { 'content-type': type } })

    if (response.status !== 400) throw new Error(`${response.status}`)
  })

  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string(), run.check)
  await fc.assert(property, { interruptAfterTimeLimit: BUDGET, numRuns: 200 })
  await run.ended()
  t.pass('held')
})
