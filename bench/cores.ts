import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** The servers share one core, so that they meet the same conditions; the load comes from another. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

/** Whether processes can be tied to a core here: needs two of them, and `taskset` (Linux). */
export const canPin: boolean = availableParallelism() > 1 && hasCommand('taskset', ['-V'])

/** A command line that runs on one core, or as it was given where that is not possible. */
export function pinned(core: number, commandLine: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', String(core), ...commandLine] : commandLine
}

/** Whether a command can be started, whatever it answers. */
export function hasCommand(command: string, parameters: readonly string[]): boolean {
  return spawnSync(command, parameters, { stdio: 'ignore' }).error === undefined
}
