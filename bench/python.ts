import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** The machine's own Python, for which its packages are made, before any other. */
export const PYTHON: string = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

/** Whether aiohttp can be measured here. */
export const hasAiohttp: boolean =
  spawnSync(PYTHON, ['-c', 'import aiohttp'], { stdio: 'ignore' }).status === 0
