import { constants } from 'node:os'
// Bound at import: what a test puts in the place of `process.nextTick` later does not hold deliveries up.
import { nextTick } from 'node:process'

const LARGEST_DELIVERY = 64 * 1024
const DELIVERIES_PER_TURN = 32

// Captured for the same reason as `nextTick`.
// eslint-disable-next-line no-restricted-globals -- the event loop is meant here, not time
const nextTurn = setImmediate

/** Calls back when a write was taken, or will not be. */
export type WriteDone = (error?: Error | null) => void

/** The end of a {@link Wire} that things arrive at. */
export interface Receiver {
  /** Takes bytes, or the end; answers whether there is room for more. */
  receive(bytes: Buffer | null): boolean
  reset(): void
  isGone(): boolean
}

/** One direction: the write on its way, if any, and how the sender left. */
export class Wire {
  #receiver: Receiver | undefined
  #bytes: Buffer | undefined
  #done: WriteDone | undefined
  #room = true
  #leaving: 'end' | 'reset' | undefined
  #left = false
  #scheduled = false
  #deliveries = 0

  connect(receiver: Receiver): void {
    this.#receiver = receiver
  }

  /** Whether something is on its way that the receiver has not taken. */
  get loaded(): boolean {
    return this.#bytes !== undefined
  }

  write(bytes: Buffer, done: WriteDone): void {
    this.#bytes = bytes
    this.#done = done
    this.#schedule()
  }

  /** The receiver has room again. */
  resume(): void {
    if (this.#room) return
    this.#room = true
    if (this.#bytes || this.#done) this.#schedule()
  }

  /** Announces the end, behind what is on its way. */
  end(): void {
    if (this.#leaving) return
    this.#leaving = 'end'
    this.#schedule()
  }

  reset(): void {
    this.#leaving = 'reset'
    this.#left = false
    this.#schedule()
  }

  /** The sender is destroyed: nobody waits any longer for what it wrote, which arrives all the same. */
  abandon(): void {
    this.#settle(connectionError('ECANCELED', 'write'))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // Ticks run before anything else does: two ends that never stop talking would keep timers from firing for ever.
    if (++this.#deliveries % DELIVERIES_PER_TURN === 0) nextTurn(deliver, this)
    else nextTick(deliver, this)
  }

  deliver(): void {
    this.#scheduled = false
    const wasGone = this.#receiver!.isGone()
    this.#hand()
    const isGone = this.#receiver!.isGone()
    if (wasGone || (isGone && this.#bytes)) return this.#fail()
    if (isGone || (this.#room && !this.#bytes)) this.#settle()
    if (!isGone) this.#leave()
  }

  // In pieces, as a network would: the receiver may pause in between.
  #hand(): void {
    while (this.#bytes && this.#room && !this.#receiver!.isGone()) {
      const piece = this.#bytes.subarray(0, LARGEST_DELIVERY)
      this.#bytes = this.#bytes.length > LARGEST_DELIVERY ? this.#bytes.subarray(LARGEST_DELIVERY) : undefined
      this.#room = false // before, as taking the piece may ask for more
      if (this.#receiver!.receive(piece)) this.#room = true
    }
  }

  #fail(): void {
    this.#bytes = undefined
    this.#settle(connectionError('EPIPE', 'write'))
  }

  #settle(error?: Error | undefined): void {
    const done = this.#done
    this.#done = undefined
    done?.(error)
  }

  #leave(): void {
    if (this.#left || !this.#leaving) return
    if (this.#leaving === 'end' && this.#bytes) return
    this.#left = true
    if (this.#leaving === 'reset') this.#receiver!.reset()
    else this.#receiver!.receive(null)
  }
}

function deliver(wire: Wire): void {
  wire.deliver()
}

/** An error as the system would report it. */
export function connectionError(
  code: 'ECONNRESET' | 'EPIPE' | 'ECANCELED',
  syscall: 'read' | 'write',
): Error {
  const errno = -constants.errno[code]
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall })
}
