import { parseArgs } from 'node:util'

import { isScenarioName, SCENARIO_NAMES } from './scenarios.ts'
import type { ScenarioName } from './scenarios.ts'

/** What a run was asked to do. */
export interface Options {
  /** Only compare the answers, measure nothing. */
  readonly check: boolean
  /** A commit that the present state is compared with, and with nothing else. */
  readonly compare: string | undefined
  /** Bursts per server that count. */
  readonly rounds: number
  /** How long a burst takes. */
  readonly seconds: number
  readonly scenarios: readonly ScenarioName[]
}

/** @throws Error for an option that does not exist, or a value that is not one of its own */
export function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      compare: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '1' },
      scenario: { type: 'string', multiple: true, default: [...SCENARIO_NAMES] },
    },
  })
  return {
    check: values.check,
    compare: values.compare,
    rounds: toCount('rounds', values.rounds),
    seconds: toCount('seconds', values.seconds),
    scenarios: values.scenario.map(toScenarioName),
  }
}

/** @throws RangeError unless the text is a whole number above 0 */
export function toCount(name: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new RangeError(`Cannot run with --${name} ${text}: it is not a whole number above 0`)
}

/** @throws RangeError for what is not the name of a scenario */
export function toScenarioName(text: string): ScenarioName {
  if (isScenarioName(text)) return text
  throw new RangeError(`Cannot run scenario "${text}": there are ${SCENARIO_NAMES.join(', ')}`)
}
