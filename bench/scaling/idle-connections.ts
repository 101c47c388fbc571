import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { ServerProcess } from '../server-process.ts'
import { formatRows, formatSpread } from '../format-rows.ts'
import { measureRounds } from './measure-rounds.ts'
import { withServers } from './sized-server.ts'

const COUNTS = [1, 1000, 10_000]
const SERVERS = ['node-http', 'allium'] as const
/** How many it takes before memory can be divided among them. */
const ENOUGH = 1000

/** What connections cost on which nothing happens: memory each, and the requests of the others. */
export async function measureIdleConnections(roundCount: number): Promise<void> {
  const rows: string[][] = []
  await withServers(
    SERVERS.map(server => ({ name: server, server })),
    async servers => {
      const holders = servers.map(startHolder)
      await measureRounds(servers, roundCount) // what a server keeps that was busy is not the idle connections'
      const empty = await readMemory(servers)
      for (const count of COUNTS) {
        for (const holder of holders) await hold(holder, count)
        const memory = await readMemory(servers)
        const each = memory.map((bytes, i) => (bytes - empty[i]!) / count / 1024)
        const rounds = await measureRounds(servers, roundCount)
        const ratios = rounds.map(round => round.get('allium')!.cpu / round.get('node-http')!.cpu)
        rows.push([
          String(count),
          ...(count < ENOUGH ? ['', '', ''] : describe(each)),
          formatSpread(ratios, 2),
        ])
      }
      for (const holder of holders) holder.disconnect()
    },
  )
  const head = [
    'idle connections',
    'KiB each, node-http',
    'KiB each, allium',
    'ratio',
    'CPU per request, ratio',
  ]
  console.log(`\n## Idle connections\n\n${formatRows(head, rows)}`)
}

function describe([raw, allium]: readonly number[]): string[] {
  return [raw!.toFixed(2), allium!.toFixed(2), (allium! / raw!).toFixed(2)]
}

async function readMemory(servers: readonly ServerProcess[]): Promise<number[]> {
  const memory: number[] = []
  for (const server of servers) memory.push(await server.readMemory())
  return memory
}

function startHolder({ origin }: ServerProcess): ChildProcess {
  return fork(fileURLToPath(new URL('./connection-holder.js', import.meta.url)), [origin])
}

async function hold(holder: ChildProcess, count: number): Promise<void> {
  holder.send(count)
  await once(holder, 'message')
}
