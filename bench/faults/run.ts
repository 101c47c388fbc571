/**
 * Injects each fault into a server of its own, most of them under load, and prints what became of the requests: as their clients
 * count them, and how many the server had accepted and did not answer, as it counts them itself ("cut"). Fails when a request is
 * lost that the fault did not cut itself, or when an exit code is not the right one.
 */
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

import { faults } from './faults.ts'
import type { Outcome } from './faults.ts'

const limit = 60_000 // ms, for a fault

print(['fault', 'sent', 'answered', 'failed', 'cut', 'exit', 'seen'])
print(['---', '---', '---', '---', '---', '---', '---'])
for (const fault of faults) {
  const { name } = fault
  const outcome = await Promise.race([fault.run(), delay(limit, undefined, { ref: false })])
  if (!outcome) throw new Error(`Cannot finish "${name}": it took more than ${limit} ms`)
  print([name, ...figures(outcome)])
  if (isAsItShouldBe(outcome)) continue
  process.exitCode = 1
  console.log('not as it should be:', outcome)
}

function print(row: readonly string[]): void {
  console.log(`| ${row.join(' | ')} |`)
}

function isAsItShouldBe({ counts, mayFail = 0, cut = 0, ending, code, isRight = true }: Outcome): boolean {
  return (
    isRight && cut === 0 && (counts?.failed ?? 0) <= mayFail && (code === undefined || ending?.code === code)
  )
}

function figures({ counts, cut, ending, seen }: Outcome): string[] {
  const { sent, answered, failed } = counts ?? {}
  return [sent, answered, failed, cut, ending?.code ?? ending?.signal, seen].map(value => String(value ?? ''))
}
