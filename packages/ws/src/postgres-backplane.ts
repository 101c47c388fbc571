import { randomUUID } from 'node:crypto'

import type { Timer } from '@allium/core'

import type { Backplane, BackplaneConnection, BackplaneListener } from './backplane.ts'

/** What is used of a `Pool` of `pg`. */
export interface PostgresPool {
  /** Runs a statement on some connection. */
  query(text: string, values: unknown[]): Promise<unknown>
  /** Takes a connection out of the pool. */
  connect(): Promise<PostgresListenClient>
}

/** What is used of a client that a pool gives. */
export interface PostgresListenClient {
  /** Runs a statement. */
  query(text: string): Promise<unknown>
  /** Tells of a failure, after which it is of no use. */
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Tells of the end of the connection. */
  on(event: 'end', listener: () => void): unknown
  /** Tells of notifications. */
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown
  /** Gives it back, or away when it is broken. */
  release(destroys: boolean): void
}

/** How messages go through a PostgreSQL. */
export interface PostgresBackplaneOptions {
  /** A `Pool` of `pg`. One of its connections listens for as long as the application runs. */
  readonly pool: PostgresPool
  /** The channel of PostgreSQL's that carries them all; default `allium_channels`. */
  readonly channel?: string | undefined
}

/** PostgreSQL takes less than 8000 bytes per notification; each also has its place within the message. */
const PART = 7900
const NOTIFY = 'select pg_notify($1, part) from unnest($2::text[]) as part'
const RETRY_MIN = 100
const RETRY_MAX = 10_000

/**
 * Carries messages between processes and machines by `LISTEN` and `NOTIFY`: at most once, in the order in which one process
 * has published them. A notification has less than 8000 bytes, so larger messages go in several, within one statement. Every
 * process is woken for the messages of every channel: where there are many, take Redis.
 *
 * While a process is not connected it misses what the others publish; it tries again after 100 ms and then up to every 10 s,
 * and when it is back, `onGap` of its `Channels` is called.
 */
export class PostgresBackplane implements Backplane {
  readonly #pool: PostgresPool
  readonly #channel: string

  constructor({ pool, channel = 'allium_channels' }: PostgresBackplaneOptions) {
    this.#pool = pool
    this.#channel = channel
  }

  /** @internal Called by `Channels`. */
  async connect(listener: BackplaneListener): Promise<BackplaneConnection> {
    const link = new PostgresLink(this.#pool, this.#channel, listener)
    await link.listen()
    return link
  }
}

class PostgresLink implements BackplaneConnection {
  readonly #pool: PostgresPool
  readonly #name: string
  readonly #listener: BackplaneListener
  readonly #channels = new Set<string>()
  readonly #parts = new Map<string, string[]>()
  #release: (() => void) | undefined
  #retry: Timer | undefined
  #sending: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(pool: PostgresPool, name: string, listener: BackplaneListener) {
    this.#pool = pool
    this.#name = name
    this.#listener = listener
  }

  async listen(): Promise<void> {
    const client = await this.#pool.connect()
    let isReleased = false
    const release = () => {
      if (!isReleased) client.release(true)
      isReleased = true
    }
    const lose = (err?: Error) => {
      if (isReleased) return
      release()
      if (err) this.#warn(err)
      this.#parts.clear()
      if (this.#release === release) this.#listenAgain(RETRY_MIN)
    }
    client.on('error', lose)
    client.on('end', lose)
    client.on('notification', ({ payload }) => {
      if (payload) this.#receive(payload)
    })
    try {
      await client.query(`listen "${this.#name.replaceAll('"', '""')}"`)
    } catch (error) {
      release()
      throw error
    }
    this.#release = release
  }

  async publish(channel: string, message: string): Promise<void> {
    const text = Buffer.from(`${channel}\n${message}`).toString('base64') // no NUL, and one byte per character
    const id = randomUUID()
    const count = Math.ceil(text.length / PART)
    const parts = Array.from(
      { length: count },
      (_, index) => `${id} ${count - index} ${text.slice(index * PART, (index + 1) * PART)}`,
    )
    // One after another: each would take a connection of its own, and one overtake the other.
    const sent = this.#sending.then(() => this.#pool.query(NOTIFY, [this.#name, parts]))
    this.#sending = sent.catch(() => {})
    await sent
  }

  async subscribe(channel: string): Promise<void> {
    this.#channels.add(channel)
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#retry?.clear()
    this.#channels.clear()
    this.#release?.()
  }

  /** The parts of a message come one after another, with how many are still to come. */
  #receive(payload: string): void {
    const [id = '', left, text = ''] = payload.split(' ')
    const parts = this.#parts.get(id) ?? []
    parts.push(text)
    if (left !== '1') return void this.#parts.set(id, parts)
    this.#parts.delete(id)
    const whole = Buffer.from(parts.join(''), 'base64').toString()
    const end = whole.indexOf('\n')
    const channel = whole.slice(0, end)
    if (this.#channels.has(channel)) this.#listener.onMessage(channel, whole.slice(end + 1))
  }

  #listenAgain(delay: number): void {
    if (this.#isClosed) return
    this.#retry = this.#listener.clock.setTimer(() => {
      this.listen().then(
        () => (this.#isClosed ? void this.close() : this.#listener.onGap()),
        (error: unknown) => {
          this.#warn(error)
          this.#listenAgain(Math.min(2 * delay, RETRY_MAX))
        },
      )
    }, delay)
  }

  #warn(err: unknown): void {
    this.#listener.logger.warn({ err }, 'The connection of channels to PostgreSQL has a problem')
  }
}
