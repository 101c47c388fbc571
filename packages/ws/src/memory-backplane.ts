import type { Backplane, BackplaneConnection, BackplaneListener } from './backplane.ts'

interface MemoryLink {
  readonly listener: BackplaneListener
  readonly channels: Set<string>
}

/** Carries messages between the applications of one process: for tests, and for several applications that share channels. */
export class MemoryBackplane implements Backplane {
  readonly #links = new Set<MemoryLink>()

  /** @internal Called by `Channels`. */
  async connect(listener: BackplaneListener): Promise<BackplaneConnection> {
    const link: MemoryLink = { listener, channels: new Set() }
    this.#links.add(link)
    return {
      publish: async (channel, message) => {
        for (const { channels, listener } of [...this.#links]) {
          if (channels.has(channel)) listener.onMessage(channel, message)
        }
      },
      subscribe: async channel => void link.channels.add(channel),
      unsubscribe: async channel => void link.channels.delete(channel),
      close: async () => void this.#links.delete(link),
    }
  }
}
