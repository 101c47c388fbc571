import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'

import { Application, AppRunner, createLogger, inheritedTargets, json, runApp, text } from '@allium/core'
import t from 'tap'
import type { Test } from 'tap'

import { leaveSocket } from './left-socket.ts'

/** The whole answer to an HTTP/1.0 request without a Host. */
function oneLineOverHttp10(target: string | { port: number; host: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = typeof target === 'string' ? connect(target) : connect(target.port, target.host)
    let received = ''
    socket.on('data', chunk => (received += chunk.toString())).on('end', () => resolve(received))
    socket.on('error', reject)
    socket.write('GET / HTTP/1.0\r\n\r\n')
  })
}

/** What systemd starts: it sets both variables. */
const INHERITING = `
  import { Application, inheritedTargets, runApp, text } from '@allium/core'
  const app = new Application()
  app.get('/', () => text('inherited'))
  await runApp(app, { targets: inheritedTargets({ LISTEN_PID: String(process.pid), LISTEN_FDS: '1' }) })
`

function certificate(name: string): string {
  // Compiled tests stand in dist/test; certificates are not compiled.
  return fileURLToPath(new URL(`../../test/fixtures/tls-${name}`, import.meta.url))
}

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'allium-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

async function runner(t: Test, lines: string[] = []): Promise<AppRunner> {
  const app = new Application({ logger: createLogger('info', line => lines.push(line)) })
  app.get('/', ({ scheme, url }) => text(`${scheme} ${url.protocol}`))
  const runner = new AppRunner(app, { shutdownTimeout: 2000 })
  await runner.startup()
  t.teardown(() => runner.stop())
  return runner
}

function overSocket(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest({ socketPath, agent: false }, response => resolve(response.resume().statusCode!))
      .on('error', reject)
      .end()
  })
}

/** Asks over TLS; gives the name in the server's certificate, and the answer. */
function overTls(url: string, options: { cert?: Buffer; key?: Buffer } = {}): Promise<[string, string]> {
  return new Promise((resolve, reject) => {
    httpsRequest(url, { agent: false, rejectUnauthorized: false, ...options }, response => {
      const { CN } = (response.socket as TLSSocket).getPeerCertificate().subject
      let body = ''
      response.on('data', chunk => (body += String(chunk))).on('end', () => resolve([String(CN), body]))
    })
      .on('error', reject)
      .end()
  })
}

t.test('a unix socket', async t => {
  t.test('serves, with the permissions that were asked for, and is gone afterwards', async t => {
    const path = join(directory(t), 'a.sock')
    const server = await runner(t)

    const address = await server.listen({ path, mode: 0o600 })

    t.same(address, { url: `unix:${path}`, host: path, port: 0 })
    t.equal(await overSocket(path), 200)
    t.equal(statSync(path).mode & 0o777, 0o600)
    await server.stop()
    t.notOk(existsSync(path))
  })

  t.test('that a killed process has left behind is replaced', async t => {
    const path = join(directory(t), 'a.sock')
    await leaveSocket(path)
    t.ok(existsSync(path))
    const server = await runner(t)

    await server.listen({ path })

    t.equal(await overSocket(path), 200)
  })

  t.test('that somebody listens on is not, nor is a file that is no socket', async t => {
    const path = join(directory(t), 'a.sock')
    const file = join(directory(t), 'file')
    writeFileSync(file, 'precious')
    const [first, second] = [await runner(t), await runner(t)]
    await first.listen({ path })

    await t.rejects(second.listen({ path }), { message: `Cannot listen on ${path}: the address is in use` })
    await t.rejects(second.listen({ path: file }), /in use/)
    t.equal(await overSocket(path), 200)
    t.equal(readFileSync(file, 'utf8'), 'precious')
  })
})

t.test('a socket that the process was started with serves by its file descriptor', async t => {
  const opened = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => opened.on('listening', resolve))
  const { port } = opened.address() as AddressInfo
  const { fd } = (opened as Server & { _handle: { fd: number } })._handle
  const child = spawn(process.execPath, ['--input-type=module', '-e', INHERITING], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit', fd],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise(resolve => child.stdout!.on('data', resolve))
  opened.close()

  t.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'inherited')
})

t.test('systemd hands over its sockets in the environment', async t => {
  const LISTEN_PID = String(process.pid)
  t.same(inheritedTargets({ LISTEN_PID, LISTEN_FDS: '2' }), [{ fd: 3 }, { fd: 4 }])
  t.same(inheritedTargets({ LISTEN_PID: '1', LISTEN_FDS: '2' }), [], 'meant for another process')
  t.same(inheritedTargets({ LISTEN_PID, LISTEN_FDS: 'x' }), [])
  const worker = { LISTEN_PID: String(process.ppid), LISTEN_FDS: '1', ALLIUM_WORKER: '1' }
  t.same(inheritedTargets(worker), [{ fd: 3 }], "a worker's are its parent's")
  t.same(inheritedTargets(), [])
})

t.test('backlog is how long the queue of the system is', async t => {
  const server = await runner(t)
  const { port } = await server.listen({ host: '127.0.0.1', port: 0, backlog: 7 })

  if (process.platform === 'linux') {
    const { stdout } = spawnSync('ss', ['-ltnH', `sport = :${port}`], { encoding: 'utf8' })
    t.match(stdout, /^LISTEN +0 +7 /)
  }
  t.ok(port)
})

t.test('runApp wants somewhere to listen', async t => {
  await t.rejects(runApp(new Application(), { targets: [] }), {
    name: 'TypeError',
    message: 'Cannot run an application: the list of targets is empty',
  })
})

t.test('runApp listens on several targets', async t => {
  const path = join(directory(t), 'a.sock')
  const app = new Application()
  app.get('/', () => text('hello'))
  const stop = new AbortController()
  const printed = new Promise<string>((resolve, reject) => {
    const targets = [{ host: '127.0.0.1', port: 0 }, { path }]
    runApp(app, { targets, signal: stop.signal, print: resolve }).catch(reject)
  })

  const [, url, unix] = /^Listening on (\S+), unix:(\S+)$/.exec(await printed)!

  t.equal((await fetch(url!)).status, 200)
  t.equal(await overSocket(unix!), 200)
  stop.abort()
})

t.test('TLS', async t => {
  t.test('is served with a certificate as text', async t => {
    const server = await runner(t)
    const [cert, key] = [readFileSync(certificate('first.crt')), readFileSync(certificate('first.key'))]

    const { url } = await server.listen({ host: '127.0.0.1', port: 0, tls: { cert, key } })

    t.match(url, /^https:/)
    t.same(server.addresses, [{ url, host: '127.0.0.1', port: Number(new URL(url).port) }])
    t.same(await overTls(url), ['first', 'https https:'])
  })

  t.test(
    'takes a renewed certificate without a restart, and keeps the old one when the new one is broken',
    async t => {
      const lines: string[] = []
      const [certFile, keyFile] = [join(directory(t), 'crt'), join(directory(t), 'key')]
      const install = (name: string) => {
        copyFileSync(certificate(`${name}.key`), keyFile)
        copyFileSync(certificate(`${name}.crt`), certFile)
      }
      install('first')
      const server = await runner(t, lines)
      const { url } = await server.listen({ host: '127.0.0.1', port: 0, tls: { certFile, keyFile } })
      t.equal((await overTls(url))[0], 'first')

      install('second')
      await server.refreshCertificates()
      t.equal((await overTls(url))[0], 'second')
      await server.refreshCertificates()
      t.equal(
        lines.filter(line => line.includes('renewed')).length,
        1,
        'what has not changed is not read again',
      )

      writeFileSync(certFile, 'half a certif')
      await server.refreshCertificates()
      t.equal((await overTls(url))[0], 'second')
      t.match(lines.join(''), /cannot be used: the old one stays/)
    },
  )

  t.test('cannot be served without its files', async t => {
    const server = await runner(t)
    await t.rejects(server.listen({ port: 0, tls: { certFile: '/nowhere', keyFile: '/nowhere' } }), {
      code: 'ENOENT',
    })
  })

  t.test('refuses clients without a certificate where one is asked for', async t => {
    const server = await runner(t)
    const [cert, key] = [readFileSync(certificate('first.crt')), readFileSync(certificate('first.key'))]
    const client = {
      cert: readFileSync(certificate('second.crt')),
      key: readFileSync(certificate('second.key')),
    }
    const tls = { cert, key, ca: client.cert, requestCert: true, minVersion: 'TLSv1.3' } as const

    const { url } = await server.listen({ host: '127.0.0.1', port: 0, tls })

    await t.rejects(overTls(url))
    t.equal((await overTls(url, client))[0], 'first')
  })

  t.test('cuts at the stop those who are still shaking hands', async t => {
    const server = await runner(t)
    const [cert, key] = [readFileSync(certificate('first.crt')), readFileSync(certificate('first.key'))]
    const { port } = await server.listen({ host: '127.0.0.1', port: 0, tls: { cert, key } })
    const silent = connect(port, '127.0.0.1')
    await new Promise(resolve => silent.on('connect', resolve))
    const idle = connectTls({ port, rejectUnauthorized: false })
    await new Promise(resolve => idle.on('secureConnect', resolve))
    const ended = Promise.all(
      [silent, idle].map(socket => new Promise(resolve => socket.on('close', resolve))),
    )
    silent.on('error', () => {})

    await server.stop()

    await t.resolves(ended)
    t.notOk(server.wasForced)
  })
})

t.test('AppRunner.listen', async t => {
  t.test('names a busy address in one line', async t => {
    await using first = new AppRunner(new Application())
    await using second = new AppRunner(new Application())
    await first.startup()
    await second.startup()
    const { port } = await first.listen({ host: '127.0.0.1', port: 0 })

    await t.rejects(second.listen({ host: '127.0.0.1', port }), {
      message: `Cannot listen on 127.0.0.1:${port}: the address is in use`,
      stack: /^Error: Cannot listen on [^\n]+$/,
    })
  })

  t.test('listens on IPv6 and on unix sockets', async t => {
    const app = new Application()
    app.get('/', ({ url, remote, contentType, contentLength }) =>
      json([url.host, remote, contentType, contentLength]),
    )
    const runner = new AppRunner(app)
    await runner.startup()
    t.teardown(() => runner.stop())
    const folder = await mkdtemp(join(tmpdir(), 'allium-'))
    t.teardown(() => rm(folder, { recursive: true }))

    const { url, port } = await runner.listen({ host: '::1', port: 0 })
    const unix = await runner.listen({ path: join(folder, 'app.sock') })

    t.strictSame(await (await fetch(url)).json(), [`[::1]:${port}`, '::1'].concat([null, null] as never))
    t.match(await oneLineOverHttp10(unix.host), /\["localhost",null,null,null\]$/)
    t.match(await oneLineOverHttp10({ port, host: '::1' }), /\["\[::1\]:\d+","::1",null,null\]$/)
    await t.rejects(runner.listen({ path: '/nowhere/app.sock' }), /^Cannot listen on \/nowhere\/app\.sock: /)
  })
})
