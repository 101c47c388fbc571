import t from 'tap'
import type { Test } from 'tap'

import { allium, writeProgram } from './command.ts'

/** Checks an application of which this is the body of its function. */
async function check(t: Test, body: string, ...options: string[]) {
  const program = `
    import { AppKey, Application, text } from '@allium/core'
    export function createApp() {
      const app = new Application({ logger: { debug() {}, info() {}, warn() {}, error() {} } })
      ${body}
      return app
    }`
  const { exit, output } = allium(t, writeProgram(t, { 'app.js': program }), [
    'check',
    './app.js',
    ...options,
  ])
  return { code: await exit, ...output }
}

t.test('allium check', async t => {
  t.test('starts and stops the application, and says that all is well', async t => {
    const { code, stdout } = await check(
      t,
      `
        const admin = new Application()
        app.provide(new AppKey('db'), async function* () {
          console.log('connected')
          yield {}
          console.log('closed')
        })
        app.get('/', () => text(''))
        admin.state.set(new AppKey('limits'), 1)
        app.mount('/admin', admin)
      `,
    )

    t.match(stdout, /^connected\nclosed\nok: 1 route, 2 state keys, started in \d+ ms, stopped in \d+ ms\n$/)
    t.equal(code, 0)
  })

  t.test('fails for routes that contradict each other', async t => {
    const { code, stderr } = await check(
      t,
      `
        const api = new Application()
        app.get('/api/users', () => text(''))
        api.get('/users', () => text(''))
        app.mount('/api', api)
      `,
    )

    t.match(stderr, /^allium: TypeError: Cannot add GET \/api\/users/)
    t.equal(code, 1)
  })

  t.test('fails for a startup that fails, with its stack', async t => {
    const { code, stderr } = await check(t, `app.onStartup.add(() => { throw new Error('no database') })`)

    t.match(stderr, /^allium: Error: no database\n {4}at .*app\.js/)
    t.equal(code, 1)
  })

  t.test('fails for a key that is read and that nobody has set', async t => {
    const { code, stderr } = await check(t, `app.onStartup.add(app => app.state.get(new AppKey('db')))`)

    t.match(stderr, /Cannot get app state "db": nobody has set it/)
    t.equal(code, 1)
  })

  t.test('fails for two keys of one name, and for a key without a value', async t => {
    const { code, stdout } = await check(
      t,
      `
        const admin = new Application({ name: 'admin' })
        app.state.set(new AppKey('db'), 1)
        admin.state.set(new AppKey('db'), 2)
        app.provide(new AppKey('mail'), async function* () { yield })
        app.mount('/admin', admin)
      `,
    )

    t.same(stdout.trimEnd().split('\n'), [
      'problem: state key "mail" of "app" is undefined',
      'problem: state key "db" of "admin" is one of two keys of that name: was its module loaded twice?',
    ])
    t.equal(code, 1)
  })

  t.test('fails for a cleanup that fails', async t => {
    const { code, stderr } = await check(t, `app.onCleanup.add(() => { throw new Error('cannot close') })`)

    t.match(stderr, /cannot close/)
    t.equal(code, 1)
  })

  t.test('fails for a startup that does not end', async t => {
    const { code, stderr } = await check(
      t,
      `app.onStartup.add(() => new Promise(() => {}))`,
      '--timeout',
      '300',
    )

    t.equal(stderr, 'allium: The application took longer than 300 ms to start\n')
    t.equal(code, 1)
  })

  t.test('names the tasks and clean-ups that do not end', async t => {
    const { code, stdout } = await check(
      t,
      `
        app.onStartup.add(app => app.tasks.spawn('poll', () => new Promise(() => {})))
        app.cleanupContexts.add(async function* pool() {
          yield
          await new Promise(() => {})
        })
      `,
      '--timeout',
      '300',
    )

    t.same(stdout.trimEnd().split('\n').slice(0, 3), [
      'problem: it did not stop within 300 ms',
      'problem: task "poll" does not end',
      'problem: clean-up "pool" does not end',
    ])
    t.equal(code, 1)
  })

  t.test('suspects a program that serves by itself', async t => {
    const program = `
      import { Application, runApp } from '@allium/core'
      export const app = new Application()
      await runApp(app, { port: 0 })`
    const { exit, output } = allium(t, writeProgram(t, { 'app.js': program }), [
      'check',
      './app.js',
      '--timeout',
      '500',
    ])

    t.equal(await exit, 1)
    t.match(output.stderr, /longer than 500 ms to load: it may call runApp by itself/)
  })
})

t.test('allium routes lists the routes in a table, and as JSON', async t => {
  const program = `
    import { Application, text } from '@allium/core'
    export default new Application()
    export const app = new Application()
    app.get('/users/:id', () => text(''), { name: 'user' })
    setInterval(() => {}, 1000) // keeps no command alive`
  const folder = writeProgram(t, { 'app.js': program })

  const table = allium(t, folder, ['routes', './app.js'])
  t.equal(await table.exit, 0)
  t.equal(table.output.stdout, 'METHOD  PATH        NAME\nGET     /users/:id  user\n')
  const listed = allium(t, folder, ['routes', './app.js', '--json'])
  t.equal(await listed.exit, 0)
  t.same(JSON.parse(listed.output.stdout), [{ method: 'GET', path: '/users/:id', name: 'user' }])
})

t.test('allium tells how it is used, and its version', async t => {
  const help = allium(t, '.', ['--help'])
  t.equal(await help.exit, 0)
  t.match(help.output.stdout, /^Usage: allium <command>/)
  const version = allium(t, '.', ['--version'])
  t.equal(await version.exit, 0)
  t.match(version.output.stdout, /^\d+\.\d+\.\d+\n$/)
  const nothing = allium(t, '.', [])
  t.equal(await nothing.exit, 2)
  t.equal(nothing.output.stderr, 'allium: No command was given: see allium --help\n')
})
