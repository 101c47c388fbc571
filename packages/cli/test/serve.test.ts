import { get } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { allium, writeProgram } from './command.ts'

const APP = `
  import { Application, text } from '@allium/core'
  export function createApp() {
    const app = new Application({ name: 'shop' })
    app.get('/', () => text(\`hello from \${process.pid}\`))
    return app
  }
  export const other = createApp()
  export const number = 7
`

t.test('allium serve', async t => {
  t.test('serves what a file exports until SIGTERM', async t => {
    const { child, exit, url } = allium(t, writeProgram(t, { 'app.js': APP }), [
      'serve',
      './app.js',
      '--port',
      '0',
    ])

    t.match(await (await fetch(await url())).text(), /hello from/)
    child.kill('SIGTERM')

    t.equal(await exit, 0)
  })

  t.test('takes the export by name, and logs each request if asked to', async t => {
    const args = ['serve', './app.js#other', '--host', '127.0.0.1', '--port', '0', '--access-log', 'json']
    const { printed, url } = allium(t, writeProgram(t, { 'app.js': APP }), args)

    t.match(await url(), /127\.0\.0\.1/)
    await (await fetch(await url())).text()

    const [line] = await printed(/^\{.*\}$/m)
    t.match(JSON.parse(line), { method: 'GET', route: '/', status: 200 })
  })

  t.test('serves on a unix socket', async t => {
    const folder = writeProgram(t, { 'app.js': APP })
    const { printed } = allium(t, folder, ['serve', './app.js', '--path', 'app.sock'])
    await printed(/Listening on unix:app\.sock/)

    const status = await new Promise(resolve =>
      get({ socketPath: join(folder, 'app.sock') }, response => {
        response.resume()
        resolve(response.statusCode)
      }),
    )

    t.equal(status, 200)
  })

  t.test('runs several processes', async t => {
    const args = ['serve', './app.js', '--port', '0', '--workers', '2']
    const { child, exit, url, output } = allium(t, writeProgram(t, { 'app.js': APP }), args)

    const answer = await (await fetch(await url())).text()
    child.kill('SIGTERM')

    t.not(answer, `hello from ${child.pid}`)
    t.match(output.stdout, /\(2 workers\)/)
    t.equal(await exit, 0)
  })

  t.test('says in one line that the port is taken (P50)', async t => {
    const taken = createServer().listen(0, '127.0.0.1')
    t.teardown(() => taken.close())
    await new Promise(resolve => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const args = ['serve', './app.js', '--host', '127.0.0.1', '--port', String(port)]
    const { exit, output } = allium(t, writeProgram(t, { 'app.js': APP }), args)

    t.equal(await exit, 1)
    t.equal(output.stderr, `allium: Cannot listen on 127.0.0.1:${port}: the address is in use\n`)
  })

  t.test('prints once why the application does not start (P50)', async t => {
    const folder = writeProgram(t, {
      'app.js': `export function createApp() { throw new Error('no database') }`,
    })
    const { exit, output } = allium(t, folder, ['serve', './app.js', '--port', '0'])

    t.equal(await exit, 1)
    t.match(output.stderr, /^allium: Error: no database\n {4}at createApp .*app\.js/)
    t.equal(output.stderr.split('no database').length, 2)
  })

  t.test('prints what else a file throws, even nothing', async t => {
    const folder = writeProgram(t, { 'app.js': `throw undefined` })
    const { exit, output } = allium(t, folder, ['serve', './app.js', '--port', '0'])

    t.equal(await exit, 1)
    t.equal(output.stderr, 'allium: undefined\n')
  })

  t.test('says in one line that production is no place for debug mode (P34)', async t => {
    const folder = writeProgram(t, { 'app.js': APP })
    const env = { ALLIUM_DEBUG: '1', NODE_ENV: 'production' }
    const { exit, output } = allium(t, folder, ['serve', './app.js', '--port', '0'], env)

    t.equal(await exit, 1)
    t.match(output.stderr, /^allium: Cannot start "shop" in debug mode: .*\n$/)
  })
})

t.test('what cannot be loaded is told in one line, with exit code 2', async t => {
  const folder = writeProgram(t, {
    'app.js': APP,
    'empty.js': '',
    'lost.js': `import './nowhere.js'`,
    'app.txt': 'text',
    'late.js': `export const app = () => undefined`,
    'foreign.js': `class Application {}; export const app = new Application(); export const plain = {}`,
  })
  const mistakes: [source: string, message: RegExp][] = [
    ['./nope.js', /^allium: There is no file \/.*nope\.js$/],
    [
      './app.js#createAp',
      /^allium: Cannot find "createAp" in \.\/app\.js: it exports "createApp", "number", "other"$/,
    ],
    ['./app.js#number', /^allium: Cannot use "number" of \.\/app\.js: it is 7$/],
    ['./empty.js', /^allium: Cannot tell what to use of \.\/empty\.js: it exports nothing; name it/],
    ['./lost.js', /^allium: Cannot load \.\/lost\.js: Cannot find module .*nowhere\.js/],
    ['./app.txt', /^allium: Cannot load \.\/app\.txt: Node knows no such type of file$/],
    ['./late.js', /^allium: Cannot use what app\(\) of \.\/late\.js gives: it is undefined$/],
    [
      './foreign.js',
      /^allium: Cannot use "app" of \.\/foreign\.js: it was made by another copy of @allium\/core/,
    ],
    ['./foreign.js#plain', /it is an object, but no Application$/],
  ]
  await Promise.all(
    mistakes.map(async ([source, message]) => {
      const { exit, output } = allium(t, folder, ['routes', source])
      t.equal(await exit, 2, source)
      t.match(output.stderr.trimEnd(), message)
      t.notMatch(output.stderr.trimEnd(), /\n/)
    }),
  )
})

t.test('TypeScript is read by a Node that can, and otherwise it is said what to do', async t => {
  const folder = writeProgram(t, {
    'app.ts': `
      import { Application, text } from '@allium/core'
      const greeting: string = 'hello'
      export function createApp(): Application {
        const app = new Application()
        app.get('/typed', () => text(greeting))
        return app
      }
    `,
  })
  const { exit, output } = allium(t, folder, ['routes', './app.ts'])
  const readsTypes = Boolean((process.features as { typescript?: unknown }).typescript)

  t.equal(await exit, readsTypes ? 0 : 2)
  if (readsTypes) t.match(output.stdout, /GET\s+\/typed/)
  else
    t.match(
      output.stderr,
      /^allium: Cannot load \.\/app\.ts: Node 20\.\S+ does not read TypeScript\. Use Node 22\.18/,
    )
})
