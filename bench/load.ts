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
 * Sends as many requests as the server takes, for a while.
 *
 * @throws Error when a single one of them did not succeed
 */
export async function sendLoad(
  server: LoadTarget,
  scenario: Scenario,
  seconds: number,
): Promise<LoadFigures> {
  const commandLine = (hasWrk ? wrkCommand : autocannonCommand)(server, scenario, seconds)
  const [command, ...parameters] = pinned(LOAD_CORE, commandLine)
  const { stdout } = await run(command!, parameters)

  const figures = (hasWrk ? parseWrk : parseAutocannon)(stdout)
  if (figures.responses > 0 && figures.errors === 0) return figures
  throw new Error(`Cannot measure ${server.name}: ${figures.errors} errors in ${figures.responses} responses`)
}
