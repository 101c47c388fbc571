import type { ClosedCallback, Connection } from './connection.ts'
import { frameOf } from './frame.ts'
import { SENT } from './outgoing.ts'

/** What happens to members that do not read fast enough: see {@link BroadcastOptions}. */
export type SlowConsumerPolicy = 'drop' | 'disconnect' | 'wait'

/** What became of a message at the members of this process. */
export interface Delivery {
  readonly delivered: number
  readonly dropped: number
}

/** The members of a channel that are connected to this process. */
export class Room {
  readonly members: Set<Connection> = new Set()
  readonly #onClosed: ClosedCallback

  /** @param onClosed is called with a member whose connection is over */
  constructor(onClosed: ClosedCallback) {
    this.#onClosed = onClosed
  }

  /** Whether it is a new member. */
  add(connection: Connection): boolean {
    if (this.members.has(connection)) return false
    this.members.add(connection)
    connection.whenClosed(this.#onClosed)
    return true
  }

  /** Whether it was a member. */
  remove(connection: Connection): boolean {
    connection.forget(this.#onClosed)
    return this.members.delete(connection)
  }

  /** Hands a message to every member: what goes wrong with one is nothing to the others (P47). */
  async deliver(
    data: string | Uint8Array,
    policy: SlowConsumerPolicy,
    except: ReadonlySet<Connection>,
  ): Promise<Delivery> {
    let frame: Buffer | undefined
    let delivered = 0
    let dropped = 0
    const pending: Promise<void>[] = []
    for (const connection of this.members) {
      if (except.has(connection)) continue
      const { outgoing } = connection
      if (!connection.isOpen || (policy !== 'wait' && outgoing.isFull)) {
        dropped++
        if (policy === 'disconnect') connection.close(1013, 'Too slow')
        continue
      }
      delivered++
      const sent = outgoing.takesFrames
        ? outgoing.sendFrame((frame ??= frameOf(data)))
        : outgoing.send(data, false)
      if (sent !== SENT) pending.push(sent.catch(() => {})) // it has gone: there is nobody to tell
    }
    if (policy === 'wait') await Promise.all(pending)
    return { delivered, dropped }
  }
}
