import type { ObservedLayer, Request, Response, RunObserver } from '@allium/core'

import { realNow } from './real-time.ts'

/** One layer while a request is in it, and after. */
export interface LayerRun {
  readonly kind: ObservedLayer['kind']
  readonly name: string
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
  /** As {@link realNow} has it. */
  readonly arrivedAt: number
  /** In the order in which they were entered. */
  readonly layers: LayerRun[]
  /** What was answered, once it has left. */
  response: Response | undefined
  /** In real milliseconds since the request arrived; `undefined` while it is in progress. */
  finishedAt: number | undefined
}

/** Keeps what an application does with its requests: with those in progress, for the reports of a client. */
export class RunLog implements RunObserver {
  readonly #inProgress = new Map<Request, RequestRun>()
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
    return [...this.#inProgress.values()]
  }

  began(request: Request): void {
    this.#events++
    const run = { request, arrivedAt: realNow(), layers: [], response: undefined, finishedAt: undefined }
    this.#inProgress.set(request, run)
    for (const other of this.#others) other.began(request)
  }

  entered(request: Request, layer: ObservedLayer): void {
    this.#events++
    const run = this.#inProgress.get(request)
    const { kind, name } = layer
    run?.layers.push({
      kind,
      name,
      enteredAt: realNow() - run.arrivedAt,
      leftAt: undefined,
      error: undefined,
    })
    for (const other of this.#others) other.entered(request, layer)
  }

  left(request: Request, layer: ObservedLayer, error: unknown): void {
    this.#events++
    const run = this.#inProgress.get(request)
    const left = run?.layers.findLast(each => each.name === layer.name && each.leftAt === undefined)
    if (run && left) {
      left.leftAt = realNow() - run.arrivedAt
      left.error = error
    }
    for (const other of this.#others) other.left(request, layer, error)
  }

  finished(request: Request, response: Response | undefined): void {
    this.#events++
    const run = this.#inProgress.get(request)
    if (run) {
      run.response = response
      run.finishedAt = realNow() - run.arrivedAt
      this.#inProgress.delete(request)
    }
    for (const other of this.#others) other.finished(request, response)
  }
}
