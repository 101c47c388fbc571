import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'

import { memorySocketPair } from '@allium/core/memory-socket'
import t from 'tap'

import { ResponseParser } from './response-parser.ts'

interface Parsed {
  informational: number[]
  status: number
  statusText: string
  headers: readonly string[]
  body: string
  trailers: readonly string[]
  rest: string
  keepsAlive: boolean
}

/** Parses a response that comes in pieces of that size. */
function parse(text: string, { method = 'GET', pieces = text.length, ends = true } = {}): Parsed {
  const parser = new ResponseParser()
  const parsed: Partial<Parsed> & { informational: number[]; body: string; rest: string } = {
    informational: [],
    body: '',
    rest: '',
  }
  parser.expect(method, {
    onInformation: ({ status }) => parsed.informational.push(status),
    onHead: ({ status, statusText, rawHeaders, keepsAlive }) =>
      Object.assign(parsed, { status, statusText, headers: rawHeaders, keepsAlive }),
    onBody: bytes => (parsed.body += bytes.toString('latin1')),
    onEnd: trailers => (parsed.trailers = trailers),
  })
  const bytes = Buffer.from(text, 'latin1')
  for (let i = 0; i < bytes.length; i += pieces) {
    parsed.rest += parser.read(bytes.subarray(i, i + pieces)).toString('latin1')
  }
  if (ends && !parser.end()) throw new Error('not whole')
  return parsed as Parsed
}

/** What Node's own client makes of it. */
async function parseByNode(text: string): Promise<Partial<Parsed>> {
  const pair = memorySocketPair()
  const sent = get({ createConnection: () => pair.client, host: 'localhost' })
  await once(pair.server, 'data')
  pair.server.end(text, 'latin1')
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode!,
    statusText: response.statusMessage!,
    headers: response.rawHeaders,
    body: (await buffer(response)).toString('latin1'),
    trailers: response.rawTrailers,
  }
}

const HEAD = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`

const RESPONSES: Readonly<Record<string, string>> = {
  'with a length': `${HEAD}Content-Length: 5\r\nX-Twice: a\r\nx-twice: b\r\n\r\nhello`,
  'with an empty body': `${HEAD}Content-Length: 0\r\n\r\n`,
  'in chunks': `${CHUNKED}5\r\nhello\r\n1;ext="a"\r\n,\r\n00000A\r\n0123456789\r\n0\r\n\r\n`,
  'with trailers': `${CHUNKED}1\r\na\r\n0\r\nX-Sum: 7\r\nX-Other:\t8 \r\n\r\n`,
  'until the end': `${HEAD}Connection: close\r\n\r\nhello`,
  'of HTTP/1.0': 'HTTP/1.0 404 Not Found\r\nA: b\r\n\r\nnothing',
  'without a reason': 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n',
  'without a reason, and the space before it': 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
  'after hints': `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${HEAD}Content-Length: 1\r\n\r\na`,
  'with 204': 'HTTP/1.1 204 No Content\r\n\r\n',
  'with 304': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  'with bytes over 127': `${HEAD}X: \xe4\r\nContent-Length: 2\r\n\r\n\xff\x00`,
}

for (const [name, response] of Object.entries(RESPONSES)) {
  t.test(`a response ${name} is what Node's client makes of it, in whatever pieces it comes`, async t => {
    const { status, statusText, headers, body, trailers, rest } = parse(response)

    t.same({ status, statusText, headers, body, trailers }, await parseByNode(response))
    t.equal(rest, '')
    for (let pieces = 1; pieces < Math.min(response.length, 40); pieces++) {
      t.same(parse(response, { pieces }), parse(response), `in pieces of ${pieces}`)
    }
  })
}

t.test('what follows a response is given back', async t => {
  t.equal(parse(`${RESPONSES['with a length']}HTTP/1.1`).rest, 'HTTP/1.1')
  t.equal(parse(`${RESPONSES['with trailers']}surplus`).rest, 'surplus')
  t.equal(parse('HTTP/1.1 204 No Content\r\n\r\nbody').rest, 'body')
  t.equal(parse(`${RESPONSES['with a length']}`, { method: 'HEAD' }).rest, 'hello')
  t.equal(parse('HTTP/1.1 101 Switching Protocols\r\n\r\nframes').rest, 'frames')
  t.equal(parse(`${HEAD}\r\ntunnelled`, { method: 'CONNECT' }).rest, 'tunnelled')
})

t.test('hints are told apart from the response', async t => {
  t.same(parse(RESPONSES['after hints']!).informational, [103])
})

t.test('whether the connection can be used again is known', async t => {
  const keepsAlive = (fields: string, version = '1.1') =>
    parse(`HTTP/${version} 200 OK\r\n${fields}content-length: 0\r\n\r\n`).keepsAlive

  t.same([keepsAlive(''), keepsAlive('connection: close\r\n')], [true, false])
  t.same([keepsAlive('', '1.0'), keepsAlive('connection: Keep-Alive\r\n', '1.0')], [false, true])
  t.equal(keepsAlive('connection: keep-alive, Close\r\n'), false)
  t.equal(keepsAlive('connection: upgrade\r\n'), true)
})

t.test('a response that breaks off is not whole', async t => {
  for (const text of [
    '',
    'HTTP/1.1 200',
    `${HEAD}Content-Length: 9\r\n\r\nhello`,
    `${CHUNKED}5\r\nhel`,
    `${CHUNKED}5\r\nhello\r`,
    `${CHUNKED}0\r\nX: y`,
  ]) {
    t.throws(() => parse(text), { message: 'not whole' }, JSON.stringify(text))
  }
})

t.test('what is not HTTP is refused, and shown', async t => {
  const malformed = [
    ['nonsense\r\n\r\n', 'a status line is expected, and not "nonsense"'],
    ['HTTP/2.0 200 OK\r\n\r\n', 'a status line is expected, and not "HTTP/2.0 200 OK"'],
    ['HTTP/1.1 20 OK\r\n\r\n', 'a status line'],
    [`${HEAD}no colon\r\n\r\n`, 'a header field is expected, and not "no colon"'],
    [`${HEAD}name : value\r\n\r\n`, 'a header field'],
    [`${HEAD}a: b\r\n folded\r\n\r\n`, 'a header field'],
    [`${HEAD}a: b\nc: d\r\n\r\n`, 'a header field'],
    [`${HEAD}: b\r\n\r\n`, 'a header field'],
    [`${HEAD}content-length: -1\r\n\r\n`, 'a length is expected, and not "-1"'],
    [`${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\n`, 'two fields tell differently'],
    [`${HEAD}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 'two fields tell differently'],
    [`${HEAD}transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n`, 'two fields tell differently'],
    [`${HEAD}transfer-encoding: gzip\r\n\r\n`, 'the only transfer coding is "chunked", and not "gzip"'],
    [`${CHUNKED}x\r\n`, 'the size of a chunk is expected, and not "x"'],
    [`${CHUNKED}1\r\nabc\r\n`, 'the end of a chunk is expected, and not "bc'],
    [`${CHUNKED}${'1'.repeat(2000)}`, 'no line ends within 1024 bytes of "111'],
    [`${CHUNKED}0\r\nno colon\r\n\r\n`, 'a header field'],
  ] as const
  for (const [text, message] of malformed) {
    t.throws(() => parse(text), { code: 'HPE_INVALID_RESPONSE', name: 'MalformedResponseError' }, message)
    t.throws(() => parse(text), new RegExp(message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
  }
  t.equal(parse(`${HEAD}content-length: 1\r\ncontent-length: 1\r\n\r\na`).body, 'a')
})
