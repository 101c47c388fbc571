import { existsSync, readdirSync, readlinkSync } from 'node:fs'

/** Whether no file below the directory is open any more: closing happens behind the answer. */
export async function untilClosed(dir: string): Promise<boolean> {
  for (let turn = 0; turn < 200; turn++) {
    if (openBelow(dir) === 0) return true
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return false
}

/** How many descriptors of this process lead below the directory; Linux tells. */
function openBelow(dir: string): number {
  if (!existsSync('/proc/self/fd')) return 0
  const targets = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // that of the listing itself
    }
  })
  return targets.filter(target => target.startsWith(dir)).length
}
