import type { Backplane, BackplaneConnection, BackplaneListener } from './backplane.ts'

/** What is used of a client of `ioredis`, for one server, sentinels or a cluster. */
export interface IoredisPubSubClient {
  /** Sends a message. */
  publish(channel: string, message: string): Promise<unknown>
  /** A connection of the same kind, for subscriptions. */
  duplicate(): IoredisSubscriber
}

/** A connection of `ioredis` for subscriptions. */
export interface IoredisSubscriber {
  /** Begins to listen to a channel. */
  subscribe(channel: string): Promise<unknown>
  /** Stops listening. */
  unsubscribe(channel: string): Promise<unknown>
  /** Tells of failures. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Tells of being connected, each time. */
  on(event: 'ready', listener: () => void): unknown
  /** Tells of messages. */
  on(event: 'message', listener: (channel: string, message: string) => void): unknown
  /** Ends the connection. */
  disconnect(): void
}

/** What is used of a client of `redis`, for one server, sentinels or a cluster. */
export interface NodeRedisPubSubClient {
  /** Sends a message. */
  publish(channel: string, message: string): Promise<unknown>
  /** A client of the same kind, for subscriptions. */
  duplicate(): NodeRedisSubscriber
}

/** A client of `redis` for subscriptions. */
export interface NodeRedisSubscriber {
  /** Begins to listen to a channel. */
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  /** Stops listening. */
  unsubscribe(channel: string): Promise<unknown>
  /** Opens the connection. */
  connect(): Promise<unknown>
  /** Tells of failures. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Tells of being connected, each time. */
  on(event: 'ready', listener: () => void): unknown
  /** Ends the connection. */
  destroy(): void
}

/** How messages go through a Redis. */
export interface RedisBackplaneOptions {
  /** A connected client of `ioredis` or `redis`. It publishes; a duplicate of it subscribes, and is closed with the application. */
  readonly client: IoredisPubSubClient | NodeRedisPubSubClient
  /** What the names of channels begin with in Redis, so that applications can share one; default `allium:channel:`. */
  readonly prefix?: string | undefined
}

/** A connection for subscriptions, of either library. */
interface Subscriber {
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  close(): void
}

/**
 * Carries messages between processes and machines by Redis pub/sub: at most once, and in the order in which one process has
 * published them. While a process is not connected it misses what the others publish; when it is back, `onGap` of its
 * `Channels` is called.
 */
export class RedisBackplane implements Backplane {
  readonly #client: IoredisPubSubClient | NodeRedisPubSubClient
  readonly #prefix: string

  constructor({ client, prefix = 'allium:channel:' }: RedisBackplaneOptions) {
    this.#client = client
    this.#prefix = prefix
  }

  /** @internal Called by `Channels`. */
  async connect(listener: BackplaneListener): Promise<BackplaneConnection> {
    const prefix = this.#prefix
    const channels = new Set<string>()
    let isClosed = false
    const receive = (message: string, name: string) => {
      const channel = name.slice(prefix.length)
      if (!isClosed && channels.has(channel)) listener.onMessage(channel, message)
    }
    const onReady = async () => {
      for (const channel of channels) await subscriber.subscribe(prefix + channel) // whatever the library has restored
      if (!isClosed) listener.onGap()
    }
    const subscriber = await openSubscriber(this.#client, receive, onReady, listener)
    return {
      publish: async (channel, message) => void (await this.#client.publish(prefix + channel, message)),
      subscribe: async channel => {
        channels.add(channel)
        await subscriber.subscribe(prefix + channel)
      },
      unsubscribe: async channel => {
        channels.delete(channel)
        await subscriber.unsubscribe(prefix + channel)
      },
      close: async () => {
        isClosed = true
        subscriber.close()
      },
    }
  }
}

async function openSubscriber(
  client: IoredisPubSubClient | NodeRedisPubSubClient,
  receive: (message: string, channel: string) => void,
  onBack: () => Promise<void>,
  { logger }: BackplaneListener,
): Promise<Subscriber> {
  const duplicate = client.duplicate()
  const warn = (err: unknown) => logger.warn({ err }, 'The connection of channels to Redis has a problem')
  let wasReady = false
  duplicate.on('error', warn)
  duplicate.on('ready', () => {
    if (wasReady) onBack().catch(warn)
    wasReady = true
  })
  if ('connect' in duplicate && 'destroy' in duplicate) {
    await duplicate.connect()
    return {
      subscribe: channel => duplicate.subscribe(channel, receive),
      unsubscribe: channel => duplicate.unsubscribe(channel),
      close: () => duplicate.destroy(),
    }
  }
  duplicate.on('message', (channel, message) => receive(message, channel))
  return {
    subscribe: channel => duplicate.subscribe(channel),
    unsubscribe: channel => duplicate.unsubscribe(channel),
    close: () => duplicate.disconnect(),
  }
}
