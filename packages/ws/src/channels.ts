import { randomUUID } from 'node:crypto'

import { UsageError } from '@allium/core'
import type { Application, Clock } from '@allium/core'

import type { Backplane, BackplaneConnection } from './backplane.ts'
import type { Connection } from './connection.ts'
import { readEnvelope, writeEnvelope } from './envelope.ts'
import type { Envelope } from './envelope.ts'
import { Presence } from './presence.ts'
import { Room } from './room.ts'
import type { SlowConsumerPolicy } from './room.ts'
import { connectionOf } from './websocket-response.ts'
import type { WebSocketResponse } from './websocket-response.ts'

/** How channels are shared, and what their members may cost. */
export interface ChannelsOptions {
  /** What carries messages to other processes; default: nothing, channels are of this process. */
  readonly backplane?: Backplane | undefined
  /**
   * What happens to members that have more than their `highWaterMark` unsent: `'disconnect'` closes them with 1013, which is
   * the default; `'drop'` leaves this message out for them; `'wait'` sends it, and lets the broadcast take as long as the slowest.
   */
  readonly slowConsumers?: SlowConsumerPolicy | undefined
  /**
   * Called when the backplane was lost and is back: messages of other processes may be missing, so clients should be told to
   * ask for what they need.
   */
  readonly onGap?: ((channels: Channels) => void) | undefined
}

/** How one message is sent to a channel. */
export interface BroadcastOptions {
  /** Members that do not get it: mostly who sent it. */
  readonly except?: WebSocketResponse | readonly WebSocketResponse[] | undefined
  /** Instead of that of the channels. */
  readonly slowConsumers?: SlowConsumerPolicy | undefined
}

/** What became of a message. */
export interface BroadcastResult {
  /** To how many members of this process it was sent. */
  readonly delivered: number
  /** How many members of this process did not get it, because they are slow. */
  readonly dropped: number
  /** Whether the backplane has taken it for the other processes; `true` without one. A failure is logged. */
  readonly published: boolean
}

interface OpenRoom {
  readonly room: Room
  readonly presence: Presence | undefined
  readonly subscribed: Promise<void>
}

/**
 * The channels of an application: named groups of WebSockets that messages are sent to, on this process and by a backplane on
 * all. Made before the application is started; connects with it.
 *
 * A message is framed once, however many members get it. To members of this process it goes whatever becomes of the backplane;
 * to those of others at most once, in the order in which one process sends.
 *
 * @example
 * ```ts
 * import { Application } from '@allium/core'
 * import { Channels, websocket } from '@allium/ws'
 *
 * const app = new Application()
 * const channels = new Channels(app)
 * app.get(
 *   '/rooms/:room',
 *   websocket(async (socket, request) => {
 *     const room = channels.get(request.params.room)
 *     await room.join(socket)
 *     for await (const message of socket) await room.broadcast(message.text(), { except: socket })
 *   }),
 * )
 * ```
 */
export class Channels {
  readonly #app: Application
  readonly #options: ChannelsOptions
  readonly #node: string = randomUUID()
  readonly #rooms = new Map<string, OpenRoom>()
  #link: BackplaneConnection | undefined

  constructor(app: Application, options: ChannelsOptions = {}) {
    this.#app = app
    this.#options = options
    const { backplane } = options
    if (backplane) app.cleanupContexts.add(() => this.#connected(backplane))
  }

  /** The channel of that name. Asking for it costs nothing: it is there while it has members. */
  get(name: string): Channel {
    return new Channel(name, this)
  }

  /** @internal */
  async join(name: string, socket: WebSocketResponse): Promise<void> {
    const connection = connectionOf(socket)
    if (!connection) {
      throw new UsageError(
        'ERR_WEBSOCKET_STATE',
        `Cannot join channel "${name}": prepare() has not been called`,
      )
    }
    if (connection.isClosed) return
    const open = this.#rooms.get(name) ?? this.#open(name)
    if (open.room.add(connection)) open.presence?.touch()
    await open.subscribed
  }

  /** @internal */
  leave(name: string, socket: WebSocketResponse): void {
    const connection = connectionOf(socket)
    if (connection) this.#remove(name, connection)
  }

  /** @internal */
  async broadcast(
    name: string,
    data: string | Uint8Array,
    { except = [], slowConsumers }: BroadcastOptions,
  ): Promise<BroadcastResult> {
    const policy = slowConsumers ?? this.#policy
    const excluded = new Set([except].flat().flatMap(socket => connectionOf(socket) ?? []))
    const published = this.#publish(name, { kind: 'message', data })
    const delivery = await this.#rooms.get(name)?.room.deliver(data, policy, excluded)
    return { delivered: 0, dropped: 0, ...delivery, published: await published }
  }

  /** @internal */
  sizeOf(name: string): number {
    return this.#rooms.get(name)?.room.members.size ?? 0
  }

  /** @internal */
  countOf(name: string): number {
    return this.#rooms.get(name)?.presence?.count ?? this.sizeOf(name)
  }

  get #policy(): SlowConsumerPolicy {
    return this.#options.slowConsumers ?? 'disconnect'
  }

  async *#connected(backplane: Backplane): AsyncGenerator<undefined> {
    const { clock, logger } = this.#app
    this.#link = await backplane.connect({
      clock,
      logger,
      onMessage: (name, message) => this.#receive(name, message),
      onGap: () => this.#options.onGap?.(this),
    })
    yield
    const link = this.#link
    this.#link = undefined
    for (const { presence } of this.#rooms.values()) presence?.stop()
    this.#rooms.clear()
    await link.close()
  }

  #open(name: string): OpenRoom {
    const room = new Room(connection => this.#remove(name, connection))
    const open: OpenRoom = { room, presence: this.#presenceOf(name, room), subscribed: this.#subscribe(name) }
    this.#rooms.set(name, open)
    return open
  }

  #presenceOf(name: string, room: Room): Presence | undefined {
    if (!this.#link) return undefined
    const clock: Clock = this.#app.clock
    return new Presence({
      clock,
      get size() {
        return room.members.size
      },
      tell: count => void this.#publish(name, { kind: 'count', count }),
    })
  }

  async #subscribe(name: string): Promise<void> {
    await this.#link?.subscribe(name)
    void this.#publish(name, { kind: 'question' })
  }

  #remove(name: string, connection: Connection): void {
    const open = this.#rooms.get(name)
    if (!open?.room.remove(connection)) return
    if (open.room.members.size > 0) return open.presence?.touch()
    this.#rooms.delete(name)
    open.presence?.stop()
    void this.#publish(name, { kind: 'count', count: 0 })
    open.subscribed
      .then(() => (this.#rooms.has(name) ? undefined : this.#link?.unsubscribe(name)))
      .catch((error: unknown) => this.#warn(name, error))
  }

  #receive(name: string, message: string): void {
    const open = this.#rooms.get(name)
    const received = readEnvelope(message)
    if (!open || !received || received.node === this.#node) return
    const { node, envelope } = received
    if (envelope.kind === 'question') open.presence?.touch()
    else if (envelope.kind === 'count') open.presence?.note(node, envelope.count)
    else void open.room.deliver(envelope.data, this.#policy, NOBODY)
  }

  /** Whether the other processes will hear of it, as far as one can know. */
  async #publish(name: string, envelope: Envelope): Promise<boolean> {
    try {
      await this.#link?.publish(name, writeEnvelope(this.#node, envelope))
      return true
    } catch (error) {
      this.#warn(name, error)
      return false
    }
  }

  #warn(channel: string, err: unknown): void {
    this.#app.logger.warn({ channel, err }, 'The backplane has not taken a message of a channel')
  }
}

const NOBODY: ReadonlySet<Connection> = new Set()

/** A named group of WebSockets: see {@link Channels}. */
export class Channel {
  /** Its name, the same in every process. */
  readonly name: string
  readonly #channels: Channels

  /** @internal Made by {@link Channels.get}. */
  constructor(name: string, channels: Channels) {
    this.name = name
    this.#channels = channels
  }

  /** Members in this process. */
  get size(): number {
    return this.#channels.sizeOf(this.name)
  }

  /**
   * Members in all processes, as far as this one has heard: it has to have a member itself, others tell of a change within
   * 50 ms, and of a process that has died it hears nothing for 30 s.
   */
  get count(): number {
    return this.#channels.countOf(this.name)
  }

  /**
   * Makes a WebSocket a member, until it leaves or is closed. It gets what this process sends at once, and what others send
   * once this has resolved.
   *
   * @throws UsageError `ERR_WEBSOCKET_STATE` for one that is not open yet
   * @throws what keeps the backplane from listening; it is a member in this process all the same
   */
  join(socket: WebSocketResponse): Promise<void> {
    return this.#channels.join(this.name, socket)
  }

  /** It is no member any more. Nothing happens if it was none. */
  leave(socket: WebSocketResponse): void {
    this.#channels.leave(this.name, socket)
  }

  /**
   * Sends text, or bytes, to all members. A member that is gone, slow or broken neither delays nor breaks the others, unless
   * the policy is to wait.
   */
  broadcast(data: string | Uint8Array, options: BroadcastOptions = {}): Promise<BroadcastResult> {
    return this.#channels.broadcast(this.name, data, options)
  }

  /** Sends a value as JSON to all members. */
  broadcastJson(value: unknown, options?: BroadcastOptions | undefined): Promise<BroadcastResult> {
    return this.broadcast(JSON.stringify(value), options)
  }
}
