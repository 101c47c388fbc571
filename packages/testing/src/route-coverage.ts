import type { Application, RequestRoute, RunObserver } from '@allium/core'

/** Statuses by their first digit; `'none'` where the client had left before there was an answer. */
export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'none'

/** How often a method of a route was answered, by status class. */
export type AnswerCounts = Readonly<Partial<Record<StatusClass, number>>>

/** What tests have seen of one route. */
export interface CoveredRoute {
  /** The name of the application. */
  readonly app: string
  /** As it was registered, `*` for any. */
  readonly method: string
  /** The pattern, mount prefixes included. */
  readonly path: string
  /** By the methods that were requested, in capitals: a GET route has answered HEAD, too. Empty when none was. */
  readonly requests: Readonly<Record<string, AnswerCounts>>
}

/** Route coverage as data: what JSON files of it hold. */
export interface RouteCoverageReport {
  /** Of this form. */
  readonly version: 1
  /** Sorted by application and path. */
  readonly routes: readonly CoveredRoute[]
}

/** What is to be reached. */
export interface RouteCoverageTarget {
  /** The part of the routes that have to be covered, in percent; default 100. */
  readonly threshold?: number | undefined
  /** A route is covered when it has given an answer of each of these; default: one of any class. */
  readonly classes?: readonly StatusClass[] | undefined
}

interface RouteCounts {
  readonly app: string
  readonly route: Pick<RequestRoute, 'method' | 'path'>
  readonly requests: Map<string, Map<StatusClass, number>>
}

/**
 * Which routes the tests have requested, by which methods, and what they were answered: a route that no test ever requests is
 * a route that nobody knows to work. Give it to each client of a suite, or have all of them write into a folder: see
 * {@link readRouteCoverage}.
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { RouteCoverage, testClient } from '@allium/testing'
 * import t from 'tap'
 *
 * const app = new Application()
 * app.get('/', () => text('hello'))
 * const coverage = new RouteCoverage()
 *
 * t.test('a visitor is greeted', async t => {
 *   const client = await testClient(t, app, { coverage })
 *   await client.get('/').expect(200)
 * })
 *
 * t.teardown(() => {
 *   console.log(coverage.toText()) // GET /  2xx 1
 *   coverage.assertReached({ threshold: 100 })
 * })
 * ```
 */
export class RouteCoverage {
  readonly #routes = new Map<string, RouteCounts>()

  /** Tells of an application whose requests are to be counted; the client does this by itself. @internal */
  watch(app: Application): RunObserver {
    for (const route of app.routes()) this.#countsOf(app.name, route)
    return {
      began: () => {},
      entered: () => {},
      left: () => {},
      finished: ({ route, method }, response) => {
        if (route) add(this.#countsOf(app.name, route), method, classOf(response?.status), 1)
      },
    }
  }

  /** Adds what others have seen. */
  merge({ routes }: RouteCoverageReport): void {
    for (const { app, method, path, requests } of routes) {
      const counts = this.#countsOf(app, { method, path })
      for (const [requested, answers] of Object.entries(requests)) {
        for (const [status, count] of Object.entries(answers)) {
          add(counts, requested, status as StatusClass, count)
        }
      }
    }
  }

  /** What was seen so far, as data. */
  toJSON(): RouteCoverageReport {
    const routes = Array.from(this.#routes.values(), toCoveredRoute)
    return { version: 1, routes: routes.sort((a, b) => compare(sortKey(a), sortKey(b))) }
  }

  /** What was seen so far: one line for each route and method, below a line that sums up. */
  toText(): string {
    const { routes } = this.toJSON()
    const lines = routes.flatMap(toLines)
    const width = Math.max(0, ...lines.map(([name]) => name.length))
    const covered = routes.length - this.uncovered().length
    return [
      `Route coverage: ${covered} of ${routes.length} routes, ${this.percent().toFixed(1)} %`,
      ...lines.map(([name, counts]) => `  ${name.padEnd(width)}  ${counts}`),
    ].join('\n')
  }

  /** The routes that are not covered, as `GET /users/:id`. */
  uncovered(classes: readonly StatusClass[] = []): string[] {
    const { routes } = this.toJSON()
    return routes.filter(route => !isCovered(route, classes)).map(({ method, path }) => `${method} ${path}`)
  }

  /** The part of the routes that are covered, in percent; 100 where there is none. */
  percent(classes: readonly StatusClass[] = []): number {
    const total = this.#routes.size
    return total === 0 ? 100 : ((total - this.uncovered(classes).length) / total) * 100
  }

  /**
   * Fails a suite that does not reach what it has to.
   *
   * @throws Error naming the routes that are not covered
   * @throws RangeError for a threshold that is no percentage
   */
  assertReached({ threshold = 100, classes = [] }: RouteCoverageTarget = {}): void {
    if (!(threshold >= 0 && threshold <= 100)) {
      throw new RangeError(`Cannot ask for ${threshold} % of the routes: a threshold is between 0 and 100`)
    }
    const percent = this.percent(classes)
    if (percent >= threshold) return
    const answered = classes.length > 0 ? ` by ${classes.join(' and ')}` : ''
    throw new Error(
      `Tests cover ${percent.toFixed(1)} % of the routes${answered}, not ${threshold} %: without are ${this.uncovered(classes).join(', ')}`,
    )
  }

  #countsOf(app: string, { method, path }: RouteCounts['route']): RouteCounts {
    const key = `${app}\n${method} ${path}`
    const known = this.#routes.get(key)
    if (known) return known
    const counts: RouteCounts = { app, route: { method, path }, requests: new Map() }
    this.#routes.set(key, counts)
    return counts
  }
}

function add({ requests }: RouteCounts, method: string, status: StatusClass, count: number): void {
  const answers = requests.get(method) ?? new Map<StatusClass, number>()
  requests.set(method, answers)
  answers.set(status, (answers.get(status) ?? 0) + count)
}

function classOf(status: number | undefined): StatusClass {
  return status === undefined ? 'none' : (`${Math.floor(status / 100)}xx` as StatusClass) // a status is 100 to 599
}

function toCoveredRoute({ app, route, requests }: RouteCounts): CoveredRoute {
  const methods = Array.from(requests, ([method, answers]) => [method, Object.fromEntries(sorted(answers))])
  return { app, ...route, requests: Object.fromEntries(methods) as CoveredRoute['requests'] }
}

function sorted(answers: ReadonlyMap<StatusClass, number>): [StatusClass, number][] {
  return [...answers].sort(([a], [b]) => compare(a, b))
}

function sortKey({ app, path, method }: CoveredRoute): string {
  return `${app}\n${path}\n${method}`
}

/** For the order of what is never the same. */
function compare(a: string, b: string): number {
  return a < b ? -1 : 1
}

function isCovered({ requests }: CoveredRoute, classes: readonly StatusClass[]): boolean {
  const answers = Object.values(requests)
  if (classes.length === 0) return answers.length > 0
  return classes.every(status => answers.some(counts => counts[status] !== undefined))
}

function toLines({ method, path, requests }: CoveredRoute): [name: string, counts: string][] {
  const name = `${method} ${path}`
  const entries = Object.entries(requests)
  if (entries.length === 0) return [[name, 'never requested']]
  return entries.map(([requested, answers]) => {
    const counts = Object.entries(answers).map(([status, count]) => `${status} ${count}`)
    return [requested === method ? name : `${name} (${requested})`, counts.join('  ')]
  })
}
