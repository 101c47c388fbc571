import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer as createHttpServer, request } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'

import { allium, writeProgram } from './command.ts'

function greeting(text: string): string {
  return `
    import { Application, text } from '@allium/core'
    import { name } from './name.js'
    export function createApp() {
      const app = new Application()
      app.get('/', () => text(\`${text} \${name}\`))
      app.get('/broken', () => { throw new Error('my mistake') })
      app.get('/crash', () => { setTimeout(() => { throw new Error('out of the blue') }); return text('soon') })
      app.get('/exit', () => process.exit(3))
      app.get('/spin', () => { console.log('spinning'); for (;;); })
      return app
    }`
}

/** Watches a program, and waits until it answers. */
async function watch(t: Test, files: Readonly<Record<string, string>>, ...options: string[]) {
  const folder = writeProgram(t, { 'name.js': `export const name = 'Ada'`, ...files })
  const command = allium(t, folder, ['serve', './app.js', '--watch', '--port', '0', ...options])
  const url = await command.url()
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  return { ...command, folder, url, write, page: (path = '/') => page(url + path) }
}

/** Where a program waits, by fetching its URL, until the test lets it go on. */
async function createGate(t: Test) {
  const server = createHttpServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close().closeAllConnections())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const reached = once(server, 'request') as Promise<[unknown, ServerResponse]>
  return {
    url: `http://127.0.0.1:${port}`,
    reached,
    open: async () => void (await reached)[1].end(),
  }
}

/** Asks as a browser does. */
function page(url: string, agent?: Agent): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: agent ?? false, headers: { accept: 'text/html' } }, response => {
      let text = ''
      response.on('data', chunk => (text += String(chunk))).on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode!, type: response.headers['content-type']!, text }),
      )
    })
    asked.on('error', reject).end()
  })
}

t.test('allium serve --watch', async t => {
  t.test('serves on this machine alone, in debug mode, and logs each request', async t => {
    const { url, page, printed } = await watch(t, { 'app.js': greeting('hello') })

    t.match(url, /^http:\/\/127\.0\.0\.1:/)
    t.equal((await page()).text, 'hello Ada')
    t.match(await page('/broken'), { status: 500, text: /my mistake/ })
    await printed(/DEBUG MODE/)
    await printed(/"GET \/broken HTTP\/1\.1" 500/)
  })

  t.test('restarts when the file, or one that it imports, has changed; no connection is refused', async t => {
    const { page, write, printed } = await watch(t, { 'app.js': greeting('hello') })
    t.equal((await page()).text, 'hello Ada')

    write('app.js', greeting('welcome'))
    await printed(/Restarting: .*app\.js has changed/)
    t.equal((await page()).text, 'welcome Ada', 'it waits for the restart')
    write('name.js', `export const name = 'Grace'`)
    await printed(/Restarting: .*name\.js has changed/)

    t.equal((await page()).text, 'welcome Grace')
  })

  t.test('answers what is in flight, and follows with the new program on kept connections', async t => {
    const gate = await createGate(t)
    const slow = greeting('slow').replace('() => text(', `async () => (await fetch('${gate.url}'), text)(`)
    const { url, write, printed } = await watch(t, { 'app.js': slow }, '--shutdown-timeout', '30000')
    const agent = new Agent({ keepAlive: true })
    t.teardown(() => agent.destroy())
    await page(`${url}/broken`, agent)

    const inFlight = page(url, agent)
    await gate.reached
    write('app.js', greeting('half'))
    await printed(/Restarting/)
    write('app.js', greeting('fast'))
    await printed(/Restarting[^]*Restarting/)
    await gate.open()

    t.equal((await inFlight).text, 'slow Ada')
    t.equal((await page(url, agent)).text, 'fast Ada')
  })

  t.test('shows a syntax error in the browser, and works again when it is mended', async t => {
    const { url, page, write, printed, output } = await watch(t, { 'app.js': greeting('hello') })
    await page()

    write('app.js', `export const <b> = 1`)
    await printed(/waiting for a change/)
    const broken = await page()
    t.equal(broken.status, 500)
    t.match(broken.text, /SyntaxError.*&#60;/s, 'escaped')
    t.match(output.stderr, /SyntaxError/)
    const waiting = request(`${url}/.allium/changed`, { agent: false, headers: { expect: '100-continue' } })
    const told = once(waiting.end(), 'response') as Promise<[IncomingMessage]>
    await once(waiting, 'continue') // the server has it
    write('app.js', greeting('mended'))

    t.equal((await told)[0].statusCode, 204, 'the page is told to load again')
    t.equal((await page()).text, 'mended Ada')
  })

  t.test('shows a startup that fails, as plain text to those who want no page', async t => {
    const failing = `export function createApp() { throw new Error('no \\x1b[31mdatabase') }`
    const { url, printed } = await watch(t, { 'app.js': failing })
    await printed(/waiting for a change/)

    const answer = await fetch(url)

    t.equal(answer.status, 500)
    t.match(answer.headers.get('content-type'), /text\/plain/)
    t.match(await answer.text(), /^Error: no database\n {4}at createApp/)
  })

  t.test('shows what has ended the program after it had started, and begins again on change', async t => {
    const { page, write, printed } = await watch(t, { 'app.js': greeting('hello') })

    t.equal((await page('/crash')).text, 'soon')
    await printed(/exit code 1: waiting for a change/)
    t.match((await page()).text, /ended with exit code 1[^]*out of the blue/)
    write('name.js', `export const name = 'Grace'`)
    await printed(/Restarting/)
    t.equal((await page()).text, 'hello Grace')
    await t.rejects(page('/exit'), { code: 'ECONNRESET' })
    await printed(/exit code 3: waiting for a change/)

    t.match((await page()).text, /ended with exit code 3/)
  })

  t.test('replaces a program that is in an endless loop', async t => {
    const { page, write, printed } = await watch(
      t,
      { 'app.js': greeting('hello') },
      '--shutdown-timeout',
      '0',
    )
    await page()

    const spinning = page('/spin')
    await printed(/spinning/)
    write('app.js', greeting('calm'))
    await printed(/Restarting/)

    await t.rejects(spinning)
    t.equal((await page()).text, 'calm Ada')
  })

  t.test('watches what else it is told to, and not what is no module', async t => {
    const files = {
      'app.js': greeting('hello'),
      'views/page.html': '',
      'notes.txt': '',
      'node_modules/a/a.js': '',
    }
    const { page, write, printed, output } = await watch(t, files, '--watch-path', 'views')
    await page()

    write('views/page.html', '<p>')
    write('notes.txt', 'x') // of changes that come together the last is named
    write('node_modules/a/a.js', '1')
    await printed(/Restarting: .*page\.html has changed/)
    write('name.js', `export const name = 'Grace'`)
    await printed(/Restarting: .*name\.js has changed/)

    t.equal((await page()).text, 'hello Grace')
    t.notMatch(output.stdout, /Restarting: .*(notes\.txt|a\.js)/)
  })

  t.test('ends at SIGTERM with 0, whoever waits', async t => {
    const deaf = `
      process.on('message', () => console.log('told to stop'))
      console.log('loading')
      await new Promise(() => {})`
    const folder = writeProgram(t, { 'app.js': deaf })
    const { child, exit, url, printed } = allium(t, folder, ['serve', './app.js', '--watch', '--port', '0'])
    const waiting = page(await url())
    waiting.catch(() => {})
    await printed(/loading/)

    child.kill('SIGTERM')
    await printed(/told to stop/)
    child.kill('SIGTERM') // a second one ends the program that does not listen

    t.equal(await exit, 0)
    await t.rejects(waiting)
  })

  t.test('bears with clients that leave while they wait', async t => {
    const gate = await createGate(t)
    const { url, page } = await watch(t, { 'app.js': `await fetch('${gate.url}')\n${greeting('late')}` })
    await gate.reached

    const leaving = connect(Number(new URL(url).port), '127.0.0.1')
    await once(leaving, 'connect')
    leaving.resetAndDestroy()
    await gate.open()

    t.equal((await page()).text, 'late Ada')
  })

  t.test('leaves nothing behind when it is killed (P52)', async t => {
    const { child, exit, url, page } = await watch(t, { 'app.js': greeting('hello') })
    await page()

    child.kill('SIGKILL')
    await exit // the program has the same output: it is closed when both have ended

    await t.rejects(fetch(url))
  })

  t.test('says in one line that the port is taken', async t => {
    const taken = createServer().listen(0, '127.0.0.1')
    t.teardown(() => taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const folder = writeProgram(t, { 'app.js': greeting('hello') })
    const { exit, output } = allium(t, folder, ['serve', './app.js', '--watch', '--port', String(port)])

    t.equal(await exit, 2)
    t.equal(
      output.stderr,
      `allium: Cannot watch: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
    )
  })

  t.test('waits for a file that is gone to come back', async t => {
    const { folder, page, write, printed } = await watch(t, { 'app.js': greeting('hello') })
    await page()

    rmSync(join(folder, 'name.js'))
    await printed(/waiting for a change/)
    t.match(await page(), { status: 500, text: /Cannot find module/ })
    write('name.js', `export const name = 'Grace'`)
    await printed(/Restarting[^]*Restarting/)

    t.equal((await page()).text, 'hello Grace')
  })
})
