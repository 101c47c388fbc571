import type { ObservedLayer, Request, Response, RunObserver } from '@allium/core'

import { realNow } from './real-time.ts'

/** One layer while a request is in it, and after. */
export interface LayerRun {
  readonly layer: ObservedLayer
  /** In real milliseconds since the request arrived. */
  readonly enteredAt: number
  /** `undefined` while it runs. */
  leftAt: number | undefined
  /** What it threw. */
  error: unknown
}

/** What an application did with one request. */
export interface RequestRun {
  readonly request: Request
  /** The port at the client's end of its connection, which tells it from others; a unix socket has none. */
  readonly clientPort: number | undefined
  /** As {@link realNow} has it. */
  readonly arrivedAt: number
  /** In the order in which they were entered. */
  readonly layers: LayerRun[]
  /** What failed of which no answer tells. */
  readonly failures: unknown[]
  /** What was answered, once it has left. */
  response: Response | undefined
  /** In real milliseconds since the request arrived; `undefined` while it is in progress. */
  finishedAt: number | undefined
  /** Whether its body had been asked for when the onion had unwound. */
  wasRead: boolean
  /** Whether a layer had answered while one further in was still running. */
  wasOvertaken: boolean
  /** How many bodies were given up whose sources have not let go. */
  openBodies: number
}

/** How many requests are remembered after they are over. */
const REMEMBERED = 100

/** Keeps what an application does with its requests, for the reports of a client. */
export class RunLog implements RunObserver {
  /** Called with each run that is over. */
  onFinished: ((run: RequestRun) => void) | undefined
  readonly #runs = new WeakMap<Request, RequestRun>()
  readonly #recent: RequestRun[] = []
  readonly #unfinished = new Set<RequestRun>()
  readonly #others: readonly RunObserver[]
  #events = 0

  /** @param others are told of the same */
  constructor(...others: readonly (RunObserver | undefined)[]) {
    this.#others = others.filter(other => other !== undefined)
  }

  /** Grows with whatever an application does with a request. */
  get events(): number {
    return this.#events
  }

  /** Requests that have arrived and whose answers have not left, oldest first. */
  get inProgress(): readonly RequestRun[] {
    return [...this.#unfinished].filter(({ finishedAt }) => finishedAt === undefined)
  }

  /** Requests of which something still runs, if only what nobody waits for. */
  get unfinished(): readonly RequestRun[] {
    return [...this.#unfinished].filter(isUnfinished)
  }

  /** The last requests that have arrived, oldest first. */
  get recent(): readonly RequestRun[] {
    return this.#recent
  }

  began(request: Request): void {
    this.#events++
    const run: RequestRun = {
      request,
      clientPort: request.raw.socket.remotePort,
      arrivedAt: realNow(),
      layers: [],
      failures: [],
      response: undefined,
      finishedAt: undefined,
      wasRead: false,
      wasOvertaken: false,
      openBodies: 0,
    }
    this.#runs.set(request, run)
    this.#unfinished.add(run)
    this.#recent.push(run)
    if (this.#recent.length > REMEMBERED) this.#recent.shift()
    for (const other of this.#others) other.began(request)
  }

  entered(request: Request, layer: ObservedLayer): void {
    this.#events++
    const run = this.#runs.get(request)
    if (run) {
      const enteredAt = realNow() - run.arrivedAt
      run.layers.push({ layer, enteredAt, leftAt: undefined, error: undefined })
    }
    for (const other of this.#others) other.entered(request, layer)
  }

  left(request: Request, layer: ObservedLayer, error: unknown): void {
    this.#events++
    const run = this.#runs.get(request)
    if (run) this.#leave(run, layer, error)
    for (const other of this.#others) other.left(request, layer, error)
  }

  finished(request: Request, response: Response | undefined): void {
    this.#events++
    const run = this.#runs.get(request)
    if (run) {
      run.response = response
      // A body that is sent back is read when the onion has unwound.
      if (response?.isStreamed) run.wasRead ||= isRead(request)
      run.finishedAt = realNow() - run.arrivedAt
      this.#drop(run)
      this.onFinished?.(run)
    }
    for (const other of this.#others) other.finished(request, response)
  }

  failed(request: Request, error: unknown): void {
    this.#events++
    this.#runs.get(request)?.failures.push(error)
    for (const other of this.#others) other.failed?.(request, error)
  }

  givenUp(request: Request, released: Promise<unknown>): void {
    const run = this.#runs.get(request)
    if (run) {
      run.openBodies++
      void released.then(() => {
        run.openBodies--
        this.#drop(run)
      })
    }
    for (const other of this.#others) other.givenUp?.(request, released)
  }

  #leave(run: RequestRun, layer: ObservedLayer, error: unknown): void {
    const index = run.layers.findIndex(each => each.layer === layer)
    const left = run.layers[index]
    if (!left) return
    left.leftAt = realNow() - run.arrivedAt
    left.error = error
    const isOvertaking = run.layers.some((each, place) => place > index && each.leftAt === undefined)
    // A time limit that is over answers ahead of those within, as it should.
    if (isOvertaking && error === undefined && !run.request.signal.aborted) run.wasOvertaken = true
    if (index === 0) run.wasRead = isRead(run.request)
    this.#drop(run)
  }

  #drop(run: RequestRun): void {
    if (!isUnfinished(run)) this.#unfinished.delete(run)
  }
}

/** Whether a request is in progress, or something of it goes on although it was answered. */
function isUnfinished({ finishedAt, layers, openBodies }: RequestRun): boolean {
  return finishedAt === undefined || openBodies > 0 || layers.some(({ leftAt }) => leftAt === undefined)
}

function isRead({ bodyUsed, raw }: Request): boolean {
  return bodyUsed || raw.readableDidRead
}
