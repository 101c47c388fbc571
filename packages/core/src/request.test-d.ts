import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'

import { Application } from './application.ts'
import type { Form } from './form.ts'
import { json } from './response.ts'

declare function expectType<T>(value: T): void

const app = new Application()

app.post('/:id', async request => {
  expectType<unknown>(await request.json())
  expectType<Form>(await request.form())
  expectType<Form>(await request.form({ limits: { files: 1 } }))

  const user = await request.json({
    schema: z.object({ name: z.string(), age: z.coerce.number() }),
    anyType: true,
  })
  expectType<string>(user.name)
  expectType<number>(user.age)
  // @ts-expect-error the schema knows no such field
  void user.email

  const post = await request.form({ schema: v.object({ title: v.string() }), limits: { fields: 2 } })
  expectType<string>(post.title)

  const page = await request.parseQuery(type({ 'page?': 'string.integer.parse' }))
  expectType<number | undefined>(page.page)

  const { id } = await request.parseParams(z.object({ id: z.coerce.number() }))
  expectType<number>(id)
  expectType<string>(request.params.id)

  // @ts-expect-error what is no Standard Schema cannot be given as one
  await request.json({ schema: { name: 'string' } })
  return json(null)
})
