import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { TELL_MEMORY, TELL_USAGE } from '../server-messages.ts'
import type { ServerMessage, Usage } from '../server-messages.ts'
import { isScenarioName } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'

/** The scenario that this process was started for. */
export function requestedScenario(): ScenarioName {
  const name = process.argv[2] ?? ''
  if (isScenarioName(name)) return name
  throw new RangeError(`Cannot start a server: "${name}" is not a scenario`)
}

/**
 * Tells the bench the port, then its usage whenever asked. The process ends with the bench.
 *
 * @param readUsage - what is told as the usage; default: that of this process
 */
export function reportListening(port: number, readUsage: () => Usage = readOwnUsage): void {
  process.on('message', message => {
    if (message === TELL_USAGE) send(readUsage())
    if (message === TELL_MEMORY) send(readMemory())
  })
  process.on('disconnect', () => process.exit())
  send({ kind: 'listening', port })
}

function readOwnUsage(): Usage {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return { kind: 'usage', cpu: userCPUTime + systemCPUTime, peakMemory: maxRSS * 1024 }
}

function readMemory(): ServerMessage {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collectGarbage()
  return { kind: 'memory', resident: process.memoryUsage.rss() }
}

function send(message: ServerMessage): void {
  if (process.send) process.send(message)
  else console.log(message)
}
