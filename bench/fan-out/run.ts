/** Measures what an event costs that is sent to many: `npm run bench:fan-out -- [--rounds 7] [--connections 500]` */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { LOAD_CORE, pinned } from '../cores.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { describeMachine } from '../machine.ts'
import { startServer } from '../server-process.ts'
import type { ServerProcess } from '../server-process.ts'
import { toSpread } from '../spread.ts'

const SERVERS = ['node-http', 'allium', 'hono', 'h3', 'express'] as const
const EVENTS = 100

/** A server and those who listen to it. */
interface Audience {
  readonly server: ServerProcess
  readonly listeners: ChildProcess
}

/** What one event costs that one listener gets, in microseconds. */
interface Figures {
  readonly cpu: number
  readonly time: number
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, connections: { type: 'string', default: '500' } },
})
const connections = Number(values.connections)
const audiences: Audience[] = []
try {
  for (const name of SERVERS) audiences.push(await gather(name))
  const rounds: Map<string, Figures>[] = []
  for (let i = -2; i < Number(values.rounds); i++) {
    const round = await runRound()
    if (i >= 0) rounds.push(round) // the first two warm up
  }
  console.log(describeMachine().replace(/, \d+ connections/, `, ${connections} listeners`))
  console.log(`\n## An event to ${connections} listeners\n\n${format(rounds)}`)
} finally {
  for (const { listeners } of audiences) listeners.disconnect()
  await Promise.all(audiences.map(({ server }) => server.stop()))
}

async function gather(name: (typeof SERVERS)[number]): Promise<Audience> {
  const server = await startServer({
    name,
    server: name,
    scenario: 'hello',
    folder: new URL('./', import.meta.url),
  })
  const script = fileURLToPath(new URL('./listeners.js', import.meta.url))
  const [command, ...parameters] = pinned(LOAD_CORE, [
    process.execPath,
    script,
    server.origin,
    String(connections),
  ])
  const listeners = spawn(command!, parameters, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await once(listeners, 'message')
  return { server, listeners }
}

async function runRound(): Promise<Map<string, Figures>> {
  const round = new Map<string, Figures>()
  for (const audience of audiences) round.set(audience.server.name, await broadcast(audience))
  return round
}

async function broadcast({ server, listeners }: Audience): Promise<Figures> {
  const ready = once(listeners, 'message')
  listeners.send(EVENTS)
  await ready
  const before = await server.readUsage()
  const received = once(listeners, 'message')
  const start = performance.now()
  server.send({ kind: 'broadcast', count: EVENTS })
  await received
  const time = performance.now() - start
  const after = await server.readUsage()
  const deliveries = EVENTS * connections
  return { cpu: (after.cpu - before.cpu) / deliveries, time: (time * 1000) / deliveries }
}

function format(rounds: readonly ReadonlyMap<string, Figures>[]): string {
  const rows = SERVERS.map(name => {
    const ratios = rounds.map(round => round.get(name)!.cpu / round.get('node-http')!.cpu)
    return [
      name === 'node-http' ? `**${name}** (base)` : name,
      formatSpread(ratios, 2),
      toSpread(rounds.map(round => round.get(name)!.cpu)).median.toFixed(2),
      (1000 / toSpread(rounds.map(round => round.get(name)!.time)).median).toFixed(0) + 'k',
    ]
  })
  return formatRows(['server', 'CPU per event and listener, ratio', 'µs', 'deliveries/s'], rows)
}
