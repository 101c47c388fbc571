/**
 * Measures WebSockets beside bare `ws`, aiohttp and socket.io: `npm run bench:websockets -- [--rounds 7] [--seconds 1]
 * [--sockets 10000] [--check]`. Every figure is compared within one round.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { LOAD_CORE, pinned, SERVER_CORE } from './cores.ts'
import { formatRows, formatSpread } from './format-rows.ts'
import { describeMachine } from './machine.ts'
import { hasAiohttp, PYTHON } from './python.ts'
import type { Listening } from './server-messages.ts'
import { ServerProcess } from './server-process.ts'
import { clientFrame, openClients } from './websocket-clients.ts'
import type { BareClient } from './websocket-clients.ts'
import { BROADCAST } from './websocket-messages.ts'

const ECHO = 'an echo of about forty characters, or so'
const CONNECTIONS = 64
const MESSAGES = 20
const SIZE = 100

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    sockets: { type: 'string', default: '10000' },
    check: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const milliseconds = Number(values.seconds) * 1000
const sockets = Number(values.sockets)

spawn('taskset', ['-cp', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' }).on('error', () => {})
if (values.check) await checkEcho()
else {
  console.log(`${describeMachine()}; ${rounds} rounds`)
  console.log(`\n## Echo of ${ECHO.length} bytes, ${CONNECTIONS} connections\n\n${await measureEcho()}`)
  console.log(`\n## ${sockets} connections\n\n${await measureCrowd()}`)
}

type Figures = Record<string, number>

async function checkEcho(): Promise<void> {
  for (const name of echoServers()) {
    const server = await start(name)
    const [client] = await openClients(server.origin, 1, '/')
    const answered = once(client!.socket, 'data')
    client!.socket.write(clientFrame(ECHO))
    const [frame] = (await answered) as [Buffer]
    if (frame.subarray(2).toString() !== ECHO) throw new Error(`Cannot measure ${name}: it does not echo`)
    client!.socket.destroy()
    await server.stop()
  }
  console.log('websockets: all servers give the same echo')
}

function echoServers(): string[] {
  return ['ws', 'allium', ...(hasAiohttp ? ['aiohttp'] : [])]
}

async function measureEcho(): Promise<string> {
  const servers = await Promise.all(echoServers().map(start))
  const clients = new Map<ServerProcess, BareClient[]>()
  for (const server of servers) clients.set(server, await openClients(server.origin, CONNECTIONS, '/'))
  const results = new Map<string, Figures[]>(servers.map(({ name }) => [name, []]))
  for (let round = -3; round < rounds; round++) {
    for (const server of shuffled(servers)) {
      const figures = await burst(server, clients.get(server)!)
      if (round >= 0) results.get(server.name)!.push(figures)
    }
  }
  for (const list of clients.values()) for (const { socket } of list) socket.destroy()
  for (const server of servers) await server.stop()
  return table(results, ['CPU per message (µs)', 'messages/s'])
}

async function burst(server: ServerProcess, clients: readonly BareClient[]): Promise<Figures> {
  const frame = clientFrame(ECHO)
  let count = 0
  let isOver = false
  let pending = clients.length
  const before = await server.readUsage()
  const began = performance.now()
  await new Promise<void>(resolve => {
    for (const client of clients) {
      client.every(ECHO.length + 2, () => {
        count++
        if (!isOver) client.socket.write(frame)
        else if (--pending === 0) resolve()
      })
      client.socket.write(frame)
    }
    setTimeout(() => (isOver = true), milliseconds)
  })
  const took = performance.now() - began
  const after = await server.readUsage()
  return {
    'CPU per message (µs)': (after.cpu - before.cpu) / count,
    'messages/s': (count / took) * 1000,
  }
}

/** One server at a time, since a process has not descriptors for the clients of all; in turns all the same. */
async function measureCrowd(): Promise<string> {
  const names = ['ws', 'ws with its request', 'allium', 'socket.io']
  const results = new Map<string, Figures[]>(names.map(name => [name, []]))
  for (let round = 0; round < Math.min(rounds, 5); round++) {
    for (const name of shuffled(names)) results.get(name)!.push(await crowd(name))
  }
  return table(results, [
    'handshake (µs)',
    'idle memory (KiB)',
    'CPU per delivery (µs)',
    'last delivery (ms)',
  ])
}

async function crowd(name: string): Promise<Figures> {
  const server = await start(name)
  const isSocketIo = name === 'socket.io'
  const path = isSocketIo ? '/socket.io/?EIO=4&transport=websocket' : '/'
  const first = await openClients(server.origin, 500, path) // compiled, and pools filled, before it counts
  if (isSocketIo) await enterSocketIo(first)
  const [memory, used] = [await server.readMemory(), await server.readUsage()]
  const clients = await openClients(server.origin, sockets - first.length, path)
  if (isSocketIo) await enterSocketIo(clients)
  const opened = await server.readUsage()
  await settle()
  const grown = (await server.readMemory()) - memory
  const all = [...first, ...clients]
  await broadcast(server, all, isSocketIo, 3)
  const before = await server.readUsage()
  const took = await broadcast(server, all, isSocketIo, MESSAGES)
  const after = await server.readUsage()
  for (const { socket } of all) socket.destroy()
  await server.stop()
  return {
    'handshake (µs)': (opened.cpu - used.cpu) / clients.length,
    'idle memory (KiB)': grown / clients.length / 1024,
    'CPU per delivery (µs)': (after.cpu - before.cpu) / (MESSAGES * all.length),
    'last delivery (ms)': took / MESSAGES,
  }
}

async function broadcast(
  server: ServerProcess,
  clients: readonly BareClient[],
  isSocketIo: boolean,
  times: number,
): Promise<number> {
  const text = 'x'.repeat(SIZE)
  const bytes = times * (2 + (isSocketIo ? `42["m","${text}"]`.length : SIZE))
  let pending = clients.length
  const began = performance.now()
  await new Promise<void>(resolve => {
    for (const client of clients) client.every(bytes, () => --pending === 0 && resolve())
    server.send({ kind: BROADCAST, size: SIZE, times })
  })
  return performance.now() - began
}

/** Engine.IO opens with a packet of its own; "40" joins the name space, which is confirmed. */
async function enterSocketIo(clients: readonly BareClient[]): Promise<void> {
  for (const { socket } of clients) socket.write(clientFrame('40'))
  await settle()
}

function settle(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 1000))
}

async function start(name: string): Promise<ServerProcess> {
  const file = name === 'aiohttp' ? '../servers/aiohttp_websockets.py' : './servers/websockets.js'
  const interpreter = name === 'aiohttp' ? PYTHON : process.execPath
  const line = [interpreter, fileURLToPath(new URL(file, import.meta.url)), name]
  const [command, ...parameters] = pinned(SERVER_CORE, line)
  const child: ChildProcess = spawn(command!, parameters, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const [message] = (await once(child, 'message')) as [Listening]
  return new ServerProcess(name, child, `http://127.0.0.1:${message.port}`)
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map(item => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/** The figures of each server, and what they are of those of `ws` in the same round. */
function table(results: ReadonlyMap<string, readonly Figures[]>, columns: readonly string[]): string {
  const base = results.get('ws')!
  const head = ['server', ...columns.flatMap(column => [column, 'ratio'])]
  const rows = Array.from(results, ([name, figures]) => [
    name,
    ...columns.flatMap(column => [
      formatSpread(
        figures.map(one => one[column]!),
        1,
      ),
      formatSpread(
        figures.map((one, round) => one[column]! / base[round]![column]!),
        2,
      ),
    ]),
  ])
  return formatRows(head, rows)
}
