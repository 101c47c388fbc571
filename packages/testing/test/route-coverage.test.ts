import { execFile } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Application, json, text } from '@allium/core'
import { readRouteCoverage, RouteCoverage, testClient } from '@allium/testing'
import t from 'tap'

import { SocketResponse } from './socket-response.ts'

const COMMAND = fileURLToPath(new URL('../route-coverage-command.js', import.meta.url))

function createApp(): Application {
  const admin = new Application({ name: 'admin' })
  admin.get('/stats', () => json({}))
  const app = new Application({ name: 'shop' })
  app.get('/', () => text('hello'))
  app.get('/users/:id', ({ params }) => text(params.id, { status: params.id === '0' ? 404 : 200 }))
  app.post('/users', () => text('', { status: 201 }))
  app.get('/socket', () => new SocketResponse(() => undefined))
  app.mount('/admin', admin)
  return app
}

async function cover(t: Parameters<typeof testClient>[0]): Promise<RouteCoverage> {
  const coverage = new RouteCoverage()
  const client = await testClient(t, createApp(), { coverage })
  await client.get('/users/1').text()
  await client.get('/users/2').text()
  await client.get('/users/0').text()
  await client.head('/users/1')
  await client.get('/nowhere').text()
  await client.fork().get('/').text()
  await (await client.ws('/socket')).close()
  await client.close()
  return coverage
}

function command(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, [COMMAND, ...args], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })
}

t.test('each route has its methods, and how often they were answered in what way', async t => {
  const coverage = await cover(t)

  t.equal(
    coverage.toText(),
    [
      'Route coverage: 3 of 5 routes, 60.0 %',
      '  GET /                  2xx 1',
      '  GET /admin/stats       never requested',
      '  GET /socket            1xx 1',
      '  POST /users            never requested',
      '  GET /users/:id         2xx 2  4xx 1',
      '  GET /users/:id (HEAD)  2xx 1',
    ].join('\n'),
  )
})

t.test('as JSON it says the same', async t => {
  const { version, routes } = (await cover(t)).toJSON()

  t.equal(version, 1)
  t.same(routes.at(-1), {
    app: 'shop',
    method: 'GET',
    path: '/users/:id',
    requests: { GET: { '2xx': 2, '4xx': 1 }, HEAD: { '2xx': 1 } },
  })
})

t.test('a client that has left before the answer is counted as such', async t => {
  const coverage = new RouteCoverage()
  const app = new Application()
  app.get('/', request => new Promise(resolve => (request.signal.onabort = () => resolve(text('')))))
  const client = await testClient(t, app, { coverage })
  const leaving = new AbortController()
  const sent = client.get('/', { signal: leaving.signal })
  await client.settle()
  leaving.abort()
  await t.rejects(sent)
  await client.close()

  t.match(coverage.toText(), /GET \/ {2}none 1$/)
})

t.test('a threshold names what is missing', async t => {
  const coverage = await cover(t)
  coverage.assertReached({ threshold: 60 })

  t.throws(
    () => coverage.assertReached(),
    /cover 60\.0 % of the routes, not 100 %: without are GET \/admin\/stats, POST \/users$/,
  )
  t.throws(
    () => coverage.assertReached({ threshold: 50, classes: ['2xx', '4xx'] }),
    /cover 20\.0 % of the routes by 2xx and 4xx/,
  )
  t.throws(() => coverage.assertReached({ threshold: 101 }), RangeError)
  t.equal(new RouteCoverage().percent(), 100)
})

t.test('test files that run in processes of their own add up in a folder', async t => {
  const folder = join(t.testdir(), 'coverage')
  const { ALLIUM_ROUTE_COVERAGE: before } = process.env
  process.env['ALLIUM_ROUTE_COVERAGE'] = folder
  t.teardown(() => {
    if (before === undefined) delete process.env['ALLIUM_ROUTE_COVERAGE']
    else process.env['ALLIUM_ROUTE_COVERAGE'] = before
  })
  const own = await cover(t)
  const [name] = await readdir(folder)
  const other = {
    version: 1,
    routes: [{ app: 'shop', method: 'POST', path: '/users', requests: { POST: { '2xx': 1 } } }],
  }
  await writeFile(join(folder, 'other-process.json'), JSON.stringify(other))
  const merged = readRouteCoverage(folder)

  t.ok(name?.endsWith('.json'))
  t.same(own.uncovered(), ['GET /admin/stats', 'POST /users'])
  t.same(merged.uncovered(), ['GET /admin/stats'])
})

t.test('the command prints, and fails below its threshold', async t => {
  const folder = t.testdir({ 'one.json': JSON.stringify((await cover(t)).toJSON()), 'notes.txt': 'none' })
  const passed = await command(folder, '--threshold', '60')
  const failed = await command(folder, '--threshold', '80')
  const asJson = await command(folder, '--json')

  t.match(passed, { code: 0, stdout: /^Route coverage: 3 of 5 routes/ })
  t.match(failed, { code: 1, stderr: /not 80 %: without are GET \/admin\/stats, POST \/users\n$/ })
  t.equal((JSON.parse(asJson.stdout) as { version: number }).version, 1)
})

t.test('the command says what it cannot do', async t => {
  const folder = t.testdir({ 'one.json': '{"version":2}' })

  t.match(await command(), { code: 1, stderr: /no folder was named/ })
  t.match(await command(folder), { code: 1, stderr: /one\.json": it is no route coverage of version 1/ })
  t.match(await command(t.testdir({}), '--classes', '6xx'), { code: 1, stderr: /Cannot ask for "6xx"/ })
  t.match(await command(join(folder, 'nowhere')), { code: 1, stderr: /ENOENT/ })
})
