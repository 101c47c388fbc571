import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:net'

import { refuseFurther, takeRest } from './close-listener.ts'
import type { ListenerHandle } from './close-listener.ts'

const CHANNEL = 'tracing:net.server.listen:asyncEnd'
/** How long the parent goes on taking what had arrived, in milliseconds. */
const LONGEST = 1000

/** A listener that `node:cluster` has opened: it takes the handle from the server that it made for that. */
interface SharedListener {
  readonly server: Server & { _handle?: unknown }
  readonly handle: ListenerHandle
}

/** The listeners that a parent has opened for its workers, as long as it supervises them. */
export class SharedListeners {
  readonly #listeners: SharedListener[] = []

  constructor() {
    subscribe(CHANNEL, this.#note)
  }

  /**
   * Has the system accept nothing more, hands those to the workers whom it has accepted already, then closes: when it is left
   * to the last worker to close, those on the way to it are reset.
   */
  async drain(): Promise<void> {
    unsubscribe(CHANNEL, this.#note)
    const shared = this.#listeners.filter(({ server, handle }) => server._handle !== handle)
    await Promise.all(shared.map(({ handle }) => handOut(handle)))
  }

  readonly #note = (message: unknown): void => {
    const { server } = message as { server: Server & { _handle?: ListenerHandle | null } }
    if (server._handle) this.#listeners.push({ server, handle: server._handle })
  }
}

async function handOut(handle: ListenerHandle): Promise<void> {
  const { onconnection } = handle
  let count = 0
  handle.onconnection = (...args) => {
    count++
    onconnection?.apply(handle, args)
  }
  refuseFurther(handle)
  await takeRest(() => count, { limit: LONGEST, mayBeHanded: false })
  handle.close?.()
}
