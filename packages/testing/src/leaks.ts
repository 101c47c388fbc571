import type { AppRunner } from '@allium/core'

import type { AppResources } from './app-resources.ts'
import { CallSite } from './call-site.ts'
import type { Conversation } from './conversation.ts'
import { realDelay } from './real-time.ts'
import type { RequestRun, RunLog } from './run-log.ts'
import { describeRun } from './stuck-report.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What can be left of an application that was closed. */
export type LeakKind =
  'handlers' | 'streams' | 'websockets' | 'tasks' | 'cleanups' | 'files' | 'timers' | 'sockets' | 'handles'

/** Something that is left of an application that was closed. */
export interface Leak {
  /** What {@link TestClient.allowLeaks} calls it. */
  readonly kind: LeakKind
  /** What it is, in one line. */
  readonly what: string
  /** What is known of it, and where it was made: a line each. */
  readonly details: readonly string[]
}

/** Why it is right that something is left, by kind. */
export type AllowedLeaks = { readonly [Kind in LeakKind]?: string | undefined }

/** Where {@link Leaks} look. */
export interface LeakPlace {
  readonly runner: AppRunner
  readonly log: RunLog
  readonly resources: AppResources
  readonly conversation: Conversation
  readonly clock: VirtualClock | undefined
  /** Whether the test knows of it by now. */
  readonly hasTold: (run: RequestRun) => boolean
}

/** What `client.close()` rejects with when something is left. */
export class LeakError extends Error {
  /** One by one. */
  readonly leaks: readonly Leak[]

  /** @internal */
  constructor(leaks: readonly Leak[]) {
    super(messageOf(leaks))
    this.name = 'LeakError'
    this.leaks = leaks
  }
}

const KINDS: readonly string[] = [
  'handlers',
  'streams',
  'websockets',
  'tasks',
  'cleanups',
  'files',
  'timers',
  'sockets',
  'handles',
] satisfies LeakKind[]
/** For how many milliseconds sockets and handles may go on closing, and how often somebody looks. */
const CLOSING = 100
const LOOK = 5

/** Finds what is left of an application when it has been stopped. */
export class Leaks {
  readonly #place: LeakPlace
  readonly #allowed = new Set<string>()

  constructor(place: LeakPlace) {
    this.#place = place
  }

  /** @throws TypeError for a kind that there is not, or one without a reason */
  allow(kinds: AllowedLeaks): void {
    for (const [kind, reason] of Object.entries(kinds)) {
      if (!KINDS.includes(kind)) {
        throw new TypeError(`Cannot allow leaks of "${kind}": there are ${KINDS.join(', ')}`)
      }
      if (!reason?.trim()) throw new TypeError(`Cannot allow leaks of "${kind}" without a reason`)
      this.#allowed.add(kind)
    }
  }

  /** @throws LeakError for what is left and not allowed */
  async assertNone(): Promise<void> {
    let leaks = this.#found
    for (let waited = 0; isClosing(leaks) && waited < CLOSING; waited += LOOK) {
      await realDelay(LOOK)
      leaks = this.#found
    }
    if (leaks.length > 0) throw new LeakError(leaks)
  }

  get #found(): Leak[] {
    const leaks = [...this.#requests, ...this.#unfinished, ...this.#timers, ...this.#resources]
    return leaks.filter(({ kind }) => !this.#allowed.has(kind))
  }

  get #requests(): Leak[] {
    const { log, conversation, hasTold } = this.#place
    return log.unfinished
      .filter(run => !hasTold(run))
      .map(run => ({
        kind: kindOf(run),
        what: `${run.request.method} ${run.request.rawPath} goes on`,
        details: [...describeRun(run), ...(conversation.recordOf(run)?.site.frames ?? [])],
      }))
  }

  get #unfinished(): Leak[] {
    const { tasks, cleanups, files } = this.#place.runner.unfinished
    return [
      ...tasks.map(({ name, spawnedAt }) =>
        leak('tasks', `task "${name}" does not end`, new CallSite({ stack: spawnedAt })),
      ),
      ...cleanups.map(({ name, addedAt }, place) =>
        leak('cleanups', cleanupText(name, place), new CallSite({ stack: addedAt })),
      ),
      ...files.map(({ path, spooledAt }) =>
        leak('files', `the uploaded file ${path} was still there`, new CallSite({ stack: spooledAt })),
      ),
    ]
  }

  get #timers(): Leak[] {
    const { clock, resources } = this.#place
    const timers = clock?.timersOf(resources) ?? []
    const sites = timers.map(timer => new CallSite(timer)).filter(site => !site.isOfFramework)
    return sites.map(site => leak('timers', 'a timer of app.clock', site))
  }

  get #resources(): Leak[] {
    return this.#place.resources.left.map(({ kind, name, site }) => leak(kind, name, site))
  }
}

function leak(kind: LeakKind, what: string, site: CallSite): Leak {
  return { kind, what, details: site.frames }
}

function kindOf({ request, finishedAt, openBodies }: RequestRun): LeakKind {
  if (openBodies > 0) return 'streams'
  return finishedAt === undefined && request.headers.has('upgrade') ? 'websockets' : 'handlers'
}

function cleanupText(name: string, place: number): string {
  return place === 0 ? `clean-up "${name}" does not end` : `clean-up "${name}" has not run for that`
}

/** Whether what is left may go by itself in a moment. */
function isClosing(leaks: readonly Leak[]): boolean {
  return leaks.length > 0 && leaks.every(({ kind }) => kind === 'sockets' || kind === 'handles')
}

function messageOf(leaks: readonly Leak[]): string {
  const lines = leaks.flatMap(({ kind, what, details }) => [
    `  ${kind}: ${what}`,
    ...details.map(detail => `      ${detail}`),
  ])
  const kinds = [...new Set(leaks.map(({ kind }) => `${kind}: 'why'`))].join(', ')
  return [
    `Of the application that was closed ${leaks.length} ${leaks.length === 1 ? 'thing is' : 'things are'} left`,
    ...lines,
    `What is meant to stay is allowed by client.allowLeaks({ ${kinds} })`,
  ].join('\n')
}
