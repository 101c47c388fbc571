import t from 'tap'

import { InvalidInput, parsePage, parseUser } from './user-input.ts'

t.test('a user is a name and an e-mail address, and nothing else', async t => {
  const ada = { name: 'Ada', email: 'ada@example.com' }

  t.strictSame(parseUser(ada), ada)

  for (const [value, fields] of [
    [{}, ['name', 'email']],
    [{ ...ada, name: '  ' }, ['name']],
    [{ ...ada, name: 'x'.repeat(201) }, ['name']],
    [{ ...ada, name: 'A\0da' }, ['name']],
    [{ ...ada, email: 'ada' }, ['email']],
    [{ ...ada, email: ['ada@example.com'] }, ['email']],
    [{ ...ada, age: 36 }, ['age']],
  ] as const) {
    t.strictSame(
      fieldsAtFault(() => parseUser(value)),
      fields,
      JSON.stringify(value),
    )
  }
})

t.test('a flood of unknown fields is not sent back', async t => {
  const flood = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`f${n}`, n]))

  t.equal(fieldsAtFault(() => parseUser({ ...flood, name: 'Ada', email: 'ada@example.com' })).length, 10)
})

t.test('what is not an object is no user', async t => {
  for (const value of [null, [], 'Ada', 7]) {
    t.throws(() => parseUser(value), { status: 422, message: 'A user is an object with name and email' })
  }
})

t.test('a page has a size and a place, both with a default', async t => {
  t.strictSame(parsePage(new URLSearchParams('')), { limit: 20, offset: 0 })
  t.strictSame(parsePage(new URLSearchParams('limit=5&offset=10')), { limit: 5, offset: 10 })

  for (const limit of ['', '-1', '1.5', '1e2', '101', 'ten']) {
    t.strictSame(
      fieldsAtFault(() => parsePage(new URLSearchParams({ limit }))),
      ['limit'],
      `limit=${limit}`,
    )
  }
})

function fieldsAtFault(parse: () => unknown): string[] {
  try {
    parse()
    return []
  } catch (error) {
    if (error instanceof InvalidInput) return error.issues.map(({ field }) => field)
    throw error
  }
}
