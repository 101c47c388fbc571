import type { WebSocketMessage } from './message.ts'

/** How many messages, and how many bytes of them, may wait for a reader before no more are received. */
const MAX_MESSAGES = 16
const MAX_BYTES = 64 * 1024

/** Gets the next message, or `undefined` when there is none any more. */
export type Reader = (message: WebSocketMessage | undefined) => void

/** What a queue tells of itself. */
export interface QueueOwner {
  /** It is full: nothing more should be received. */
  onFull(): void
  /** There is room again. */
  onRoom(): void
}

/**
 * Messages that were received and not read yet. From the first one on they are kept in their order, and while too many wait
 * nothing more is received (P46).
 */
export class IncomingQueue {
  readonly #owner: QueueOwner
  #messages: WebSocketMessage[] = []
  #bytes = 0
  #reader: Reader | undefined
  #isFull = false
  #isOver = false

  constructor(owner: QueueOwner) {
    this.#owner = owner
    this.#reader = undefined
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Whether somebody waits already. */
  get isAwaited(): boolean {
    return this.#reader !== undefined
  }

  push(message: WebSocketMessage): void {
    if (this.#isOver) return
    const reader = this.#reader
    if (reader) {
      this.#reader = undefined
      return reader(message)
    }
    this.#messages.push(message)
    this.#bytes += message.size
    if (!this.#isFull && (this.#messages.length >= MAX_MESSAGES || this.#bytes >= MAX_BYTES)) {
      this.#isFull = true
      this.#owner.onFull()
    }
  }

  /** Hands out the next message, now or when it comes. */
  read(reader: Reader): void {
    const message = this.#messages.shift()
    if (message) {
      this.#bytes -= message.size
      this.#makeRoom()
      reader(message)
    } else if (this.#isOver) {
      reader(undefined)
    } else {
      this.#reader = reader
    }
  }

  /** Nobody waits any more; what comes next stays for whoever reads next. */
  stopReading(): void {
    this.#reader = undefined
  }

  /** There will be no further messages; those that wait can still be read, unless they are dropped. */
  end(drops: boolean): void {
    this.#isOver = true
    if (drops) {
      this.#messages = []
      this.#bytes = 0
      this.#makeRoom()
    }
    const reader = this.#reader
    this.#reader = undefined
    reader?.(undefined)
  }

  #makeRoom(): void {
    if (!this.#isFull || this.#messages.length >= MAX_MESSAGES / 2 || this.#bytes >= MAX_BYTES / 2) return
    this.#isFull = false
    this.#owner.onRoom()
  }
}
