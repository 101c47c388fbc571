import type { IncomingHttpHeaders } from 'node:http'

import t from 'tap'
import type { Test } from 'tap'

import { evaluate } from './conditional.ts'
import type { Validators, Verdict } from './conditional.ts'
import { RequestConditions } from './request-conditions.ts'

const BEFORE = 'Sun, 06 Nov 1994 08:49:36 GMT'
const AT = 'Sun, 06 Nov 1994 08:49:37 GMT'
const AFTER = 'Sun, 06 Nov 1994 08:49:38 GMT'
/** What there is, but for the cases that say otherwise. */
const CURRENT: Validators = { etag: '"v1"', lastModified: new Date(Date.parse(AT) + 500) }

type Case = [fields: IncomingHttpHeaders, read: Verdict, change: Verdict]

function check(t: Test, table: Case[], current: Validators | undefined = CURRENT): void {
  for (const [fields, read, change] of table) {
    const conditions = new RequestConditions(fields)
    t.equal(evaluate(conditions, 'GET', current), read, `GET ${JSON.stringify(fields)}`)
    t.equal(evaluate(conditions, 'HEAD', current), read, `HEAD ${JSON.stringify(fields)}`)
    t.equal(evaluate(conditions, 'PUT', current), change, `PUT ${JSON.stringify(fields)}`)
  }
}

t.test('a request without conditions goes on', async t => {
  check(t, [[{}, 'proceed', 'proceed']])
})

t.test('If-Match wants one of its tags, strongly compared (RFC 9110 §13.1.1)', async t => {
  check(t, [
    [{ 'if-match': '"v1"' }, 'proceed', 'proceed'],
    [{ 'if-match': '"v0", "v1"' }, 'proceed', 'proceed'],
    [{ 'if-match': '*' }, 'proceed', 'proceed'],
    [{ 'if-match': '"v0"' }, 'failed', 'failed'],
    [{ 'if-match': 'W/"v1"' }, 'failed', 'failed'],
    [{ 'if-match': 'v1' }, 'failed', 'failed'],
    [{ 'if-match': '' }, 'failed', 'failed'],
  ])
  check(t, [[{ 'if-match': '"v1"' }, 'failed', 'failed']], { etag: 'W/"v1"' })
  check(t, [[{ 'if-match': '"v1"' }, 'failed', 'failed']], {})
  check(t, [[{ 'if-match': '*' }, 'proceed', 'proceed']], {})
})

t.test('If-Unmodified-Since wants no later change, and gives way to If-Match (§13.1.4)', async t => {
  check(t, [
    [{ 'if-unmodified-since': AT }, 'proceed', 'proceed'],
    [{ 'if-unmodified-since': AFTER }, 'proceed', 'proceed'],
    [{ 'if-unmodified-since': BEFORE }, 'failed', 'failed'],
    [{ 'if-unmodified-since': 'yesterday' }, 'proceed', 'proceed'],
    [{ 'if-unmodified-since': BEFORE, 'if-match': '"v1"' }, 'proceed', 'proceed'],
    [{ 'if-unmodified-since': AFTER, 'if-match': '"v0"' }, 'failed', 'failed'],
  ])
  check(t, [[{ 'if-unmodified-since': BEFORE }, 'proceed', 'proceed']], { etag: '"v1"' })
})

t.test('If-None-Match wants none of its tags, weakly compared (§13.1.2)', async t => {
  check(t, [
    [{ 'if-none-match': '"v1"' }, 'not modified', 'failed'],
    [{ 'if-none-match': 'W/"v1"' }, 'not modified', 'failed'],
    [{ 'if-none-match': '"v0", "v1"' }, 'not modified', 'failed'],
    [{ 'if-none-match': '*' }, 'not modified', 'failed'],
    [{ 'if-none-match': '"v0"' }, 'proceed', 'proceed'],
    [{ 'if-none-match': 'v1' }, 'proceed', 'proceed'],
  ])
  check(t, [[{ 'if-none-match': '"v1"' }, 'not modified', 'failed']], { etag: 'W/"v1"' })
  check(t, [[{ 'if-none-match': '"v1"' }, 'proceed', 'proceed']], {})
})

t.test(
  'If-Modified-Since wants a later change, of who reads and sends no If-None-Match (§13.1.3)',
  async t => {
    check(t, [
      [{ 'if-modified-since': AT }, 'not modified', 'proceed'],
      [{ 'if-modified-since': AFTER }, 'not modified', 'proceed'],
      [{ 'if-modified-since': BEFORE }, 'proceed', 'proceed'],
      [{ 'if-modified-since': 'tomorrow' }, 'proceed', 'proceed'],
      [{ 'if-modified-since': AFTER, 'if-none-match': '"v0"' }, 'proceed', 'proceed'],
      [{ 'if-modified-since': BEFORE, 'if-none-match': '"v1"' }, 'not modified', 'failed'],
    ])
    check(t, [[{ 'if-modified-since': AFTER }, 'proceed', 'proceed']], { etag: '"v1"' })
  },
)

t.test('what must hold is looked at before what the client has (§13.2.2)', async t => {
  check(t, [
    [{ 'if-match': '"v0"', 'if-none-match': '"v1"' }, 'failed', 'failed'],
    [{ 'if-match': '"v1"', 'if-none-match': '"v1"' }, 'not modified', 'failed'],
    [{ 'if-unmodified-since': BEFORE, 'if-modified-since': AFTER }, 'failed', 'failed'],
    [{ 'if-unmodified-since': AFTER, 'if-modified-since': AFTER }, 'not modified', 'proceed'],
  ])
})

t.test('where there is nothing, only If-Match fails', async t => {
  const table: Case[] = [
    [{ 'if-match': '*' }, 'failed', 'failed'],
    [{ 'if-match': '"v1"' }, 'failed', 'failed'],
    [{ 'if-none-match': '*' }, 'proceed', 'proceed'],
    [{ 'if-none-match': '"v1"' }, 'proceed', 'proceed'],
    [{ 'if-modified-since': AFTER, 'if-unmodified-since': BEFORE }, 'proceed', 'proceed'],
  ]
  for (const [fields, read, change] of table) {
    const conditions = new RequestConditions(fields)
    t.equal(evaluate(conditions, 'GET', undefined), read)
    t.equal(evaluate(conditions, 'PUT', undefined), change)
  }
})
