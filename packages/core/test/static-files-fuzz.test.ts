import { symlinkSync } from 'node:fs'
import { join } from 'node:path'

import { Application } from '@allium/core'
import type { StaticOptions } from '@allium/core'
import type { TestClient, TransportName } from '@allium/testing'
import { testClient } from '@allium/testing'
import fc from 'fast-check'
import type { Test } from 'tap'

import { overEachTransport } from './transports.ts'

const SECRET = 'TOP-SECRET'
const RUNS = 300
/** The longest that one run of all cases may take, in milliseconds. */
const TIME = 20_000

/** What paths are made of that want to get out, with names that are there. */
const PIECES = [
  '..',
  '.',
  '...',
  '%2e',
  '%2E%2e',
  '/',
  '//',
  '%2f',
  '%2F',
  '\\',
  '%5c',
  '%255c',
  '%252e',
  '%00',
  '%',
]
PIECES.push(
  '%ff',
  '%c0%af',
  '%u002e',
  ';',
  '?',
  '#',
  '*',
  ':',
  '~',
  ' ',
  'a.txt',
  'sub',
  'b.html',
  'out',
  'up',
  '.env',
)
PIECES.push('secret.txt', 'public', 'file:', 'C:', '$', '+', '&', '%20', '%0d%0a', 'A.TXT', 'a.txt.gz')

const byte = fc
  .integer({ min: 1, max: 255 })
  .map(code => (code === 10 || code === 13 ? '' : String.fromCharCode(code)))
const path = fc
  .array(fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...PIECES) }, byte), { maxLength: 12 })
  .map(pieces => pieces.join(''))

const position = fc.oneof(fc.nat(30).map(String), fc.constantFrom('', '-', '99999999999999999999', '٣', ' '))
const range = fc
  .tuple(
    fc.constantFrom('bytes', 'BYTES', 'lines', ''),
    fc.array(fc.tuple(position, position), { maxLength: 20 }),
  )
  .map(([unit, list]) => `${unit}=${list.map(pair => pair.join('-')).join()}`)
const condition = fc.tuple(
  fc.constantFrom('if-match', 'if-none-match', 'if-range', 'if-modified-since', 'if-unmodified-since'),
  fc.constantFrom(
    '*',
    '"a"',
    'W/"a"',
    '"',
    ',,',
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 2094 08:49:37 GMT',
    'x',
  ),
)

async function site(t: Test, transport: TransportName, options: StaticOptions): Promise<TestClient> {
  const dir = t.testdir({
    'secret.txt': SECRET,
    public: {
      'a.txt': 'A'.repeat(25),
      'a.txt.gz': 'gz',
      '.env': SECRET,
      sub: { 'b.html': 'B', 'index.html': 'I' },
    },
  })
  symlinkSync('../secret.txt', join(dir, 'public', 'out'))
  symlinkSync('../..', join(dir, 'public', 'sub', 'up'))
  const app = new Application()
  app.static('/', join(dir, 'public'), options)
  return testClient(t, app, { transport })
}

async function answerTo(client: TestClient, head: string): Promise<string> {
  const connection = client.connect()
  await connection.send(Buffer.from(`${head}\r\nhost: a\r\nconnection: close\r\n\r\n`, 'latin1'))
  return connection.receive()
}

overEachTransport('whatever is asked for', (t, transport) => {
  const kinds: StaticOptions[] = [{}, { listing: true, precompressed: true, fallback: 'sub/b.html' }]
  for (const options of kinds) {
    t.test(`nothing leads out of the directory: ${JSON.stringify(options)} (P8, P26)`, async t => {
      const client = await site(t, transport, options)

      const property = fc.asyncProperty(path, async path => {
        const answer = await answerTo(
          client,
          `GET /${path} HTTP/1.1\r\naccept: text/html\r\naccept-encoding: gzip`,
        )
        return /^HTTP\/1\.1 (?:200|308|400|404|414) /.test(answer) && !answer.includes(SECRET)
      })
      await fc.assert(property, {
        numRuns: RUNS,
        interruptAfterTimeLimit: TIME,
        markInterruptAsFailure: true,
      })
      t.match(await answerTo(client, 'GET /a.txt HTTP/1.1'), /^HTTP\/1\.1 200 /)
    })
  }

  t.test('ranges and conditions are answered by the book (P28)', async t => {
    const client = await site(t, transport, {})

    const property = fc.asyncProperty(range, fc.option(condition), async (range, condition) => {
      const field = condition ? `\r\n${condition.join(': ')}` : ''
      const answer = await answerTo(client, `GET /a.txt HTTP/1.1\r\nrange: ${range}${field}`)
      const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
      const length = Number(/content-length: (\d+)/.exec(answer)?.[1] ?? 0)
      // 16 parts of 25 bytes and what stands between them: nothing is amplified.
      return /^HTTP\/1\.1 (?:200|206|304|412|416) /.test(answer) && body.length === length && length < 4096
    })
    await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: TIME, markInterruptAsFailure: true })
    t.match(await answerTo(client, 'GET /a.txt HTTP/1.1'), /^HTTP\/1\.1 200 /)
  })
})
