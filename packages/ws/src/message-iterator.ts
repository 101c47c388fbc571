import type { IncomingQueue } from './incoming-queue.ts'
import type { WebSocketMessage } from './message.ts'
import { readTwice } from './next-message.ts'

const OVER = { done: true, value: undefined } as const

/** Hands out the messages of a queue until there are none any more. Leaving the loop closes nothing. */
export class MessageIterator implements AsyncIterator<WebSocketMessage, undefined> {
  readonly #queue: IncomingQueue

  constructor(queue: IncomingQueue) {
    this.#queue = queue
  }

  next(): Promise<IteratorResult<WebSocketMessage, undefined>> {
    const queue = this.#queue
    if (queue.isAwaited) return Promise.reject(readTwice())
    return new Promise(resolve => queue.read(value => resolve(value ? { done: false, value } : OVER)))
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    return OVER
  }
}
