import { once } from 'node:events'

import { accessLogJson, accessLogText, Application, Response, StreamResponse, text } from '@allium/core'
import type { AccessEntry } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from './transports.ts'

function app(): Application {
  const app = new Application()
  app.get('/hello/:name', ({ params }) => text(`hello ${params.name}`, { headers: { 'x-kind': 'greeting' } }))
  app.get('/letters', () => new Response(new Blob(['abc']).stream()))
  app.get('/stream', async request => {
    const stream = new StreamResponse()
    await stream.prepare(request)
    await stream.write('four')
    return stream
  })
  return app
}

overEachTransport('an access log', (t, transport) => {
  t.test('gets each request with its route, status, bytes and time', async t => {
    const entries: AccessEntry[] = []
    const client = await testClient(t, app(), { transport, runner: { accessLog: e => entries.push(e) } })

    for (const path of ['/hello/ada?x=1', '/letters', '/stream', '/nowhere'])
      await (await client.get(path)).text()
    await client.head('/hello/ada')
    await client.close()

    t.match(entries, [
      {
        method: 'GET',
        target: '/hello/ada?x=1',
        route: '/hello/:name',
        status: 200,
        bytes: 9,
        aborted: false,
      },
      { route: '/letters', bytes: 3, aborted: false },
      { route: '/stream', bytes: 4, aborted: false },
      { route: undefined, status: 404, aborted: false },
      { method: 'HEAD', status: 200, bytes: 0, aborted: false },
    ])
    const [{ remote, startedAt, duration, requestHeader, responseHeader }] = entries as [AccessEntry]
    t.ok(remote)
    t.ok(Math.abs(Date.now() - startedAt) < 60_000 && duration >= 0 && duration < 60_000)
    t.ok(requestHeader('Host'))
    t.equal(requestHeader('x-none'), undefined)
    t.same([responseHeader('x-kind'), responseHeader('x-none')], ['greeting', undefined])
  })

  t.test('marks what a client did not stay for: 499 where there was no answer yet', async t => {
    const slow = app()
    const inside = new Promise<void>(resolve => {
      slow.get('/slow', async request => {
        resolve()
        await once(request.signal, 'abort')
        return text('too late')
      })
    })
    let accessLog!: (entry: AccessEntry) => void
    const logged = new Promise<AccessEntry>(resolve => (accessLog = resolve))
    const connection = (await testClient(t, slow, { transport, runner: { accessLog } })).connect()

    await connection.send('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
    await inside
    connection.destroy()

    t.match(await logged, { target: '/slow', status: 499, aborted: true })
  })

  t.test('that throws changes nothing', async t => {
    const accessLog = () => {
      throw new Error('disk full')
    }
    const client = await testClient(t, app(), { transport, runner: { accessLog } })

    t.equal((await client.get('/hello/ada')).status, 200)
  })
})

t.test('as text', async t => {
  t.test('is a line for each request in the format that was given', async t => {
    const lines: string[] = []
    const format = '%a|%P|%r|%s|%b|%T|%Tf|%D|%R|%{User-Agent}i|%{X-Kind}o|%{X-None}o|100%%'
    const client = await testClient(t, app(), {
      transport: 'tcp',
      runner: { accessLog: accessLogText(format, line => lines.push(line)) },
    })

    await client.get('/hello/ada', { headers: { 'user-agent': 'curl' } })
    await client.close()

    t.match(
      lines.join(''),
      /^127\.0\.0\.1\|\d+\|GET \/hello\/ada HTTP\/1\.1\|200\|9\|0\|0\.\d{6}\|\d+\|\/hello\/:name\|curl\|greeting\|-\|100%\n$/,
    )
  })

  t.test('has the format of aiohttp by default', async t => {
    const lines: string[] = []
    const accessLog = accessLogText(undefined, line => lines.push(line))
    const client = await testClient(t, app(), { transport: 'tcp', runner: { accessLog } })

    await client.get('/letters', { headers: { 'user-agent': 'curl/8', referer: 'http://x/' } })
    await client.close()

    t.match(
      lines.join(''),
      /^127\.0\.0\.1 \[\d{4}-\d\d-\d\dT[\d:.]+Z\] "GET \/letters HTTP\/1\.1" 200 3 "http:\/\/x\/" "curl\/8"\n$/,
    )
  })

  t.test('cannot be forged by a request (P54)', async t => {
    const lines: string[] = []
    const accessLog = accessLogText('"%{User-Agent}i"', line => lines.push(line))
    const client = await testClient(t, app(), { runner: { accessLog } })

    await client.get('/letters', { headers: { 'user-agent': 'a" 200 "\\b\x9b31m' } })
    await client.close()

    t.same(lines, ['"a\\" 200 \\"\\\\b\\x9b31m"\n'])
  })

  t.test('refuses a format it does not know', async t => {
    for (const format of ['%z', '%', '%{x}', '%{x}e', '100%'])
      t.throws(() => accessLogText(format), TypeError, format)
  })
})

t.test('as JSON is an object for each request', async t => {
  const lines: string[] = []
  const accessLog = accessLogJson(line => lines.push(line))
  const client = await testClient(t, app(), { runner: { accessLog } })

  await client.get('/hello/ada')
  await client.close()

  t.match(JSON.parse(lines.join('')), { time: /^\d{4}-/, target: '/hello/ada', status: 200, bytes: 9 })
})

t.test('no byte of a request target drives a terminal (P54)', async t => {
  const entries: AccessEntry[] = []
  const client = await testClient(t, new Application(), { runner: { accessLog: e => void entries.push(e) } })
  const raw = client.connect()

  await raw.send(Buffer.from('GET /a\x85\x9b2J HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1'))
  t.match(await raw.receive(), /^HTTP\/1\.1 400 /, 'refused before it is logged')
  await (await client.get('/plain')).text()
  await client.close()

  t.equal(entries.length, 1)
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const entry = { ...entries[0]!, target: '/a\x85\u2028' }
  for (const log of [accessLogText('%r', write), accessLogJson(write)]) log(entry)
  for (const line of lines) t.notMatch(line, /[\x7f-\x9f\u2028]/)
  t.equal((JSON.parse(lines[1]!) as AccessEntry).target, entry.target, 'as data it is what it was')
})
