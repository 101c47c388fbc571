import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { AppRunner, createLogger, text, UpgradeResponse } from '@allium/core'
import type { Application, Request } from '@allium/core'
import t from 'tap'
import type { Test } from 'tap'

import { createApp } from './app.ts'

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
const nginx = folders.map(folder => join(folder, 'nginx')).find(file => existsSync(file))
const main = fileURLToPath(new URL('main.js', import.meta.url))
const site = readFileSync(fileURLToPath(new URL('../nginx/allium.conf', import.meta.url)), 'utf8')
const quiet = createLogger('error')

// Without nginx there is nothing to test, except where the gate says that there has to be one.
if (nginx !== undefined || process.env.ALLIUM_REQUIRE_SERVICES) {
  t.test('behind nginx', behindNginx)
} else {
  t.pass('nginx is not installed')
}

async function behindNginx(t: Test): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'allium-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const socket = join(folder, 'app.sock')
  const port = await startNginx(t, folder, socket)
  const url = `http://127.0.0.1:${port}`

  t.test('the application knows who asks, and what for, whatever a client claims', async t => {
    await serve(t, socket)
    const headers = {
      host: 'example.com',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
      connection: 'close',
    }

    const { body } = await ask(`${url}/`, headers)

    t.match(JSON.parse(body), { remote: '127.0.0.1', scheme: 'http', host: 'example.com' })
  })

  t.test('requests of many clients share connections to the application', async t => {
    const sockets = new Set<unknown>()
    const app = createApp({ trustProxy: 'unix', logger: quiet })
    app.use((request, next) => {
      sockets.add(request.raw.socket)
      return next(request)
    })
    await serve(t, socket, app)

    for (let i = 0; i < 20; i++) t.equal((await ask(`${url}/`, { connection: 'close' })).status, 200)

    t.equal(sockets.size, 1)
  })

  t.test('an event arrives when it is sent, not when the stream is over', async t => {
    await serve(t, socket)
    const [response] = await answerTo(`${url}/clock`)

    const [event] = (await once(response.setEncoding('utf8'), 'data')) as [string]

    t.match(event, /^data: \d{4}-/)
    response.destroy()
  })

  t.test('a connection that is upgraded carries both ways', async t => {
    const app = createApp({ trustProxy: 'unix', logger: quiet })
    app.get('/echo', () => new Echo())
    await serve(t, socket, app)
    const client = connect(port, '127.0.0.1').setEncoding('utf8')
    t.teardown(() => client.destroy())
    const handshake = 'GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

    client.write(handshake)
    t.match(await receive(client, /\r\n\r\n$/), /^HTTP\/1\.1 101 [^]*upgrade: websocket/i)
    client.write('there and back')

    t.equal(await receive(client, /back$/), 'there and back')
  })

  t.test('a body over its limit is refused before it reaches the application', async t => {
    let reached = false
    const app = createApp({ trustProxy: 'unix', logger: quiet })
    app.post('/', () => {
      reached = true
      return text('reached')
    })
    await serve(t, socket, app)

    const response = await fetch(url, { method: 'POST', body: Buffer.alloc(1024 * 1024 + 1) })

    t.equal(response.status, 413)
    t.notOk(reached)
  })

  t.test('no request fails while workers are replaced under load (P49)', async t => {
    const env = { ...process.env, SOCKET: socket, WORKERS: '2', TRUST_PROXY: 'unix' }
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    t.teardown(() => child.kill('SIGKILL'))
    await receive(child.stdout.setEncoding('utf8'), /Listening on unix:/)
    child.stdout.resume()
    const statuses: number[] = []
    const pids = new Set<number>()
    let isLoading = true
    const load = Array.from({ length: 8 }, async () => {
      while (isLoading) {
        const { status, body } = await ask(`${url}/`, { connection: 'close' })
        statuses.push(status)
        if (status === 200) pids.add((JSON.parse(body) as { pid: number }).pid)
      }
    })

    child.kill('SIGHUP')
    await receive(child.stderr.setEncoding('utf8'), /All workers were replaced/)
    isLoading = false
    await Promise.all(load)

    t.ok(statuses.length > 100, `${statuses.length} requests were answered meanwhile`)
    t.same([...new Set(statuses)], [200])
    t.ok(pids.size >= 3, 'by old workers and by new ones')
    child.kill('SIGTERM')
    t.same(await once(child, 'exit'), [0, null])
  })
}

/** Sends back what comes. */
class Echo extends UpgradeResponse {
  override async begin(request: Request): Promise<void> {
    const { socket, head } = await request.upgrade(this)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.unshift(head)
    await once(socket.pipe(socket), 'close')
  }

  override async conclude(): Promise<void> {}
}

/** Runs nginx with the configuration of the guide: only its port and the place of the socket are others. */
async function startNginx(t: Test, folder: string, socket: string): Promise<number> {
  const port = await freePort()
  const local = site
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('unix:/run/allium/app.sock', `unix:${socket}`)
  mkdirSync(join(folder, 'temp'))
  writeFileSync(join(folder, 'site.conf'), local)
  writeFileSync(join(folder, 'nginx.conf'), frame(folder))
  const child = spawn(nginx ?? 'nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  await receive(child.stderr.setEncoding('utf8'), /start worker process/)
  return port
}

/** What surrounds a site: all that nginx writes goes to a folder of its own. */
function frame(folder: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
    ${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr notice;
    events { worker_connections 256; }
    http {
      access_log off;
      ${paths.map(name => `${name}_temp_path ${folder}/temp/${name};`).join(' ')}
      include ${folder}/site.conf;
    }`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function serve(
  t: Test,
  path: string,
  app: Application = createApp({ trustProxy: 'unix', logger: quiet }),
): Promise<void> {
  const runner = new AppRunner(app, { shutdownTimeout: 2000 })
  await runner.startup()
  await runner.listen({ path })
  t.teardown(() => runner.stop())
}

async function ask(url: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  const [response] = await answerTo(url, headers)
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk)
  return { status: response.statusCode ?? 0, body }
}

function answerTo(url: string, headers: Record<string, string> = {}) {
  return once(get(url, { headers, agent: false }), 'response') as Promise<[IncomingMessage]>
}

/** Collects text until it matches. */
async function receive(stream: NodeJS.ReadableStream, until: RegExp): Promise<string> {
  let received = ''
  return new Promise(resolve => {
    const take = (chunk: string) => {
      received += chunk
      if (!until.test(received)) return
      stream.off('data', take)
      resolve(received)
    }
    stream.on('data', take)
  })
}
