import { accessLogJson, accessLogText, Application, AppRunner, text } from '@allium/core'
import { testClient } from '@allium/testing'
import { pino } from 'pino'
import t from 'tap'

/** A real pino, and the lines that it writes. */
function recordingPino() {
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: line => void lines.push(line) })
  return { logger, lines, entries: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) }
}

t.test('pino is the logger of an application as it is', async t => {
  const { logger, entries } = recordingPino()
  const app = new Application({ logger: logger.child({ component: 'shop' }) })
  app.get('/broken/:id', request => {
    request.app.logger.info({ id: request.params.id }, 'Asked for')
    throw new Error('no database')
  })
  const client = await testClient(t, app)

  await client.get('/broken/7')

  t.match(entries(), [
    { level: 30, component: 'shop', id: '7', msg: 'Asked for' },
    { level: 50, method: 'GET', path: '/broken/7', route: '/broken/:id', msg: 'A request failed' },
  ])
  t.match(entries()[1]!['err'], { type: 'Error', message: 'no database', stack: /pino\.test/ })
})

t.test('a request cannot forge a line of pino, of the text log or of the JSON log (P54)', async t => {
  const { logger, lines, entries } = recordingPino()
  const written: string[] = []
  const write = (line: string) => void written.push(line)
  const [asText, asJson] = [accessLogText(undefined, write), accessLogJson(write)]
  const app = new Application({ logger })
  app.get('/*', request => {
    request.app.logger.warn(
      { name: request.params['*'], agent: request.headers.get('user-agent') },
      'Who is that',
    )
    return text('')
  })
  const runner = {
    accessLog(entry: Parameters<typeof asText>[0]) {
      asText(entry)
      asJson(entry)
    },
  }
  const client = await testClient(t, app, { runner })
  const nasty = '"\x85\x9b2J \\'

  await client.get('/a%0d%0a%1b%5b2J{"level":50}', { headers: { 'user-agent': nasty } })
  await client.close()

  t.equal(lines.length, 1)
  t.equal(written.length, 2)
  // eslint-disable-next-line no-control-regex
  for (const line of [...lines, ...written]) t.notMatch(line.trimEnd(), /[\x00-\x1f\x7f]/)
  for (const line of written) t.notMatch(line, /[\x80-\x9f]/)
  t.equal(entries()[0]!['name'], 'a\r\n\x1b[2J{"level":50}', 'as data it is what it was')
})

t.test('pino writes the access log', async t => {
  const { logger, entries } = recordingPino()
  const app = new Application({ logger })
  app.get('/', () => text('hello'))
  await using runner = new AppRunner(app, {
    accessLog: ({ requestHeader, responseHeader, ...entry }) =>
      logger.info(
        { ...entry, agent: requestHeader('user-agent'), type: responseHeader('content-type') },
        'request',
      ),
  })
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

  await (await fetch(url, { headers: { 'user-agent': 'tests' } })).text()
  await runner.stop()

  t.match(entries(), [
    { msg: 'request', method: 'GET', status: 200, bytes: 5, agent: 'tests', type: /text\/plain/ },
  ])
})
