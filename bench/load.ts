import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { hasCommand, LOAD_CORE, pinned } from './cores.ts'
import { autocannonCommand, parseAutocannon } from './load-autocannon.ts'
import type { LoadFigures } from './load-figures.ts'
import { parseWrk, wrkCommand } from './load-wrk.ts'
import type { Scenario } from './scenario.ts'
import type { LoadTarget } from './load-target.ts'

const hasWrk = hasCommand('wrk', ['-v'])

/** What makes the requests. */
export const generator: 'wrk' | 'autocannon' = hasWrk ? 'wrk' : 'autocannon'

const run = promisify(execFile)

/**
 * Sends as many requests as the server takes, for a while. A burst in which nothing happened at all is sent again, once:
 * the host of a virtual machine had stopped it for that second.
 *
 * @throws Error when a single one of them did not succeed
 */
export async function sendLoad(
  server: LoadTarget,
  scenario: Scenario,
  seconds: number,
): Promise<LoadFigures> {
  let figures = await sendBurst(server, scenario, seconds)
  if (figures.responses + figures.errors === 0) {
    console.error(`${server.name}: nothing happened in a burst; once more`)
    figures = await sendBurst(server, scenario, seconds)
  }
  if (figures.responses > 0 && figures.errors === 0) return figures
  throw new Error(`Cannot measure ${server.name}: ${figures.errors} errors in ${figures.responses} responses`)
}

async function sendBurst(server: LoadTarget, scenario: Scenario, seconds: number): Promise<LoadFigures> {
  const commandLine = (hasWrk ? wrkCommand : autocannonCommand)(server, scenario, seconds)
  const [command, ...parameters] = pinned(LOAD_CORE, commandLine)
  const { stdout } = await run(command!, parameters)
  return (hasWrk ? parseWrk : parseAutocannon)(stdout)
}
