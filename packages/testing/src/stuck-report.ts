import type { Application } from '@allium/core'

import type { AppResources } from './app-resources.ts'
import { CallSite } from './call-site.ts'
import type { Conversation } from './conversation.ts'
import type { ExchangeRecord } from './exchange-record.ts'
import { realNow } from './real-time.ts'
import type { RequestRun } from './run-log.ts'
import { describeBody, describeLayers, milliseconds, routeOf } from './run-report.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Where {@link StuckReports} look. */
export interface StuckPlace {
  readonly app: Application
  readonly conversation: Conversation
  readonly clock: VirtualClock | undefined
  readonly resources: AppResources
}

/** Tells of requests that are not answered where they are: the route, the layer that does not go on, and for how long. */
export class StuckReports {
  readonly #place: StuckPlace
  readonly #told = new Set<RequestRun>()

  constructor(place: StuckPlace) {
    this.#place = place
  }

  /** Lines behind the first of a message. */
  of(record: ExchangeRecord): string {
    const run = this.#place.conversation.runOf(record)
    if (run) this.#told.add(run)
    const lines = run ? describeRun(run) : ['it has not reached the application']
    return [...lines, ...this.#others].map(line => `\n    ${line}`).join('')
  }

  /** Whether a test has been told of it, so that nobody has to be told again. */
  hasTold(run: RequestRun): boolean {
    return this.#told.has(run)
  }

  /** What else the answer may depend on. */
  get #others(): string[] {
    const { app, clock, resources } = this.#place
    const tasks = app.tasks.running.map(
      ({ name, spawnedAt }) =>
        `task "${name}" is running${new CallSite({ stack: spawnedAt }).indented('        ')}`,
    )
    const later = resources.nextTimer
    if (later !== Infinity)
      tasks.push(`a timer goes off in ${milliseconds(later - realNow())} at the earliest`)
    const [next] = clock?.pending ?? []
    if (!clock || !next) return tasks
    const due = milliseconds(next.due - clock.elapsed())
    const timer = `a timer of app.clock is due in ${due}, once the test has called client.advance()`
    return [...tasks, timer + new CallSite(next).indented('        ')]
  }
}

/** Route, layers and body. */
export function describeRun(run: RequestRun): string[] {
  const now = realNow() - run.arrivedAt
  const body = describeBody(run, now)
  return [routeOf(run), ...describeLayers(run, now), ...(body === undefined ? [] : [body])]
}
