import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import t from 'tap'
import * as v from 'valibot'
import { z } from 'zod'

import {
  Application,
  createLogger,
  HttpUnprocessableContent,
  json,
  text,
  UploadedFile,
  ValidationError,
} from '@allium/core'
import { testClient } from '@allium/testing'

import { B0, multipart, partHead } from './encode-form.ts'

type User = { name: string; age: number }

/** The same demand in the words of each library. */
const userSchemas: Readonly<Record<string, StandardSchemaV1<unknown, User>>> = {
  zod: z.object({ name: z.string(), age: z.coerce.number().int() }),
  valibot: v.object({ name: v.string(), age: v.pipe(v.unknown(), v.transform(Number), v.integer()) }),
  arktype: type({ name: 'string', age: 'string.integer.parse | number.integer' }),
}

/** A schema by hand, for what libraries do not do. */
function schemaThat<Output>(
  validate: (value: unknown) => StandardSchemaV1.Result<Output> | Promise<StandardSchemaV1.Result<Output>>,
): StandardSchemaV1<unknown, Output> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

function quietApp(): Application {
  return new Application({ logger: createLogger('error', () => {}) })
}

for (const [library, schema] of Object.entries(userSchemas)) {
  t.test(`a schema of ${library}`, async t => {
    t.test('gives the body as what it makes of it', async t => {
      const app = quietApp()
      app.post('/json', async request => json(await request.json({ schema })))
      app.post('/form', async request => json(await request.form({ schema })))
      const client = await testClient(t, app)

      t.strictSame(await (await client.post('/json', { json: { name: 'Ada', age: 36 } })).json(), {
        name: 'Ada',
        age: 36,
      })
      t.strictSame(await (await client.post('/form', { form: { name: 'Ada', age: 36 } })).json(), {
        name: 'Ada',
        age: 36,
      })
    })

    t.test('answers 422 with what is wrong and where', async t => {
      const app = quietApp()
      app.post('/', async request => json(await request.json({ schema })))
      const client = await testClient(t, app)

      const response = await client.post('/', { json: { name: 1, age: 'x' } })

      t.equal(response.status, 422)
      t.match(await response.text(), /^422: The body does not fit\n(name: .*\nage: .*|age: .*\nname: .*)\n$/)
    })

    t.test('gives the query and the params', async t => {
      const app = quietApp()
      app.get('/query', async request => json(await request.parseQuery(schema)))
      app.get('/:name/:age', async request => json(await request.parseParams(schema)))
      const client = await testClient(t, app)

      t.strictSame(await (await client.get('/query?name=Ada&age=36')).json(), { name: 'Ada', age: 36 })
      t.equal((await client.get('/query?name=Ada&age=x')).status, 422)
      t.strictSame(await (await client.get('/Ada/36')).json(), { name: 'Ada', age: 36 })
      t.equal((await client.get('/Ada/x')).status, 404)
    })
  })
}

t.test('a schema is given lists of repeated names, in an object without a prototype', async t => {
  const seen: unknown[] = []
  const app = quietApp()
  const schema = schemaThat(value => {
    seen.push(Object.getPrototypeOf(value), { ...(value as object) })
    return { value: 'done' }
  })
  app.get('/', async request => text(await request.parseQuery(schema)))
  app.post('/', async request => text(await request.form({ schema })))
  const client = await testClient(t, app)

  await client.get('/?a=1&b=2&a=3&c[]=4')
  await client.post('/', { form: { a: ['1', '3'], b: '2' } })

  t.strictSame(seen, [null, { a: ['1', '3'], b: '2', 'c[]': '4' }, null, { a: ['1', '3'], b: '2' }])
})

t.test('a schema may take its time, and may be asked of one value again', async t => {
  const app = quietApp()
  const even = schemaThat(async value => {
    await new Promise(resolve => setImmediate(resolve))
    return value === 2 ? { value: 'even' } : { issues: [{ message: 'Odd' }] }
  })
  const odd = schemaThat(value => (value === 1 ? { value: 'odd' } : { issues: [{ message: 'Even' }] }))
  app.post('/', async request => {
    const either = await request.json({ schema: even }).catch(() => request.json({ schema: odd }))
    return text(either)
  })
  const client = await testClient(t, app)

  t.equal(await (await client.post('/', { json: 1 })).text(), 'odd')
  t.equal(await (await client.post('/', { json: 2 })).text(), 'even')
})

t.test('a schema may ask for files', async t => {
  const app = quietApp()
  const schema = z.object({ title: z.string(), photo: z.instanceof(UploadedFile) })
  app.post('/', async request => {
    const { title, photo } = await request.form({ schema })
    return text(`${title} ${photo.size}`)
  })
  const client = await testClient(t, app)
  const body = (photo: string | undefined) =>
    multipart([partHead('title'), 'Sea'], [partHead('photo', photo), 'xyz'])

  t.equal(await (await client.post('/', { body: body('a.png'), headers: B0 })).text(), 'Sea 3')
  t.equal(
    (await client.post('/', { body: body(undefined), headers: B0 })).status,
    422,
    'text in place of a file',
  )
})

t.test('a ValidationError holds the issues, and names any kind of key', async t => {
  const app = quietApp()
  const issues = [
    { message: 'Whole' },
    { message: 'Deep', path: ['a', 0, { key: 'b' }, Symbol('c'), { key: 1 }] },
    { message: 'Empty', path: [] },
  ]
  app.post('/', async request => json(await request.json({ schema: schemaThat(() => ({ issues })) })))
  app.onError(ValidationError, error => json({ issues: error.issues }, { status: error.status }))
  const client = await testClient(t, app)

  const response = await client.post('/', { json: {} })

  t.equal(response.status, 422)
  t.strictSame(await response.json(), {
    issues: [
      { message: 'Whole', path: [] },
      { message: 'Deep', path: ['a', 0, 'b', 'Symbol(c)', 1] },
      { message: 'Empty', path: [] },
    ],
  })
  t.ok(new ValidationError([], 'x') instanceof HttpUnprocessableContent)
})

t.test('a ValidationError lists a hundred issues at most: the answer stays small', async t => {
  const issues = Array.from({ length: 100_000 }, (_, index) => ({ message: `Wrong ${index}`, path: [index] }))

  const error = new ValidationError(issues, 'The body does not fit')

  t.equal(error.issues.length, 100)
  t.equal(error.message.split('\n').length, 101)
})

t.test('a schema that throws, or is none, is a mistake in the program: 500', async t => {
  const app = quietApp()
  const broken = schemaThat(() => {
    throw new Error('Deliberate')
  })
  app.post('/broken', async request => json(await request.json({ schema: broken })))
  app.post('/none', async request => json(await request.json({ schema: {} as never })))
  app.get('/:id', async request => json(await request.parseParams(broken)))
  const client = await testClient(t, app)

  t.equal((await client.post('/broken', { json: 1 })).status, 500)
  t.equal((await client.post('/none', { json: 1 })).status, 500)
  t.equal((await client.get('/x')).status, 500)
})
