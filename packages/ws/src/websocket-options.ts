import type { OriginRule } from './allowed-origins.ts'

/** How messages are compressed (RFC 7692). */
export interface DeflateOptions {
  /** Messages below this size are sent as they are, in bytes; default 1 KiB. With `serverContextTakeover` all are compressed. */
  readonly threshold?: number | undefined
  /** 1, fastest, to 9, smallest; default 1: what higher levels save is seldom worth their time. */
  readonly level?: number | undefined
  /** How much memory zlib takes for it, 1 to 9; default 8. */
  readonly memLevel?: number | undefined
  /**
   * Whether the window of this end is kept between messages: smaller messages, for some 100 KiB or more of memory per
   * connection; default `false`.
   */
  readonly serverContextTakeover?: boolean | undefined
  /** The same for what the client sends: some 40 KiB per connection; default `false`. */
  readonly clientContextTakeover?: boolean | undefined
  /** Base-two logarithm of the window of this end, 9 to 15; default 15. */
  readonly serverMaxWindowBits?: number | undefined
  /** The same for the client's. Those that cannot limit it are served without compression. */
  readonly clientMaxWindowBits?: number | undefined
  /**
   * How many messages are in zlib at once, in the whole process; default 10. The first WebSocket that compresses decides, since
   * Node's threads are shared by all.
   */
  readonly concurrency?: number | undefined
}

/** How many messages a client may send. */
export interface MessageRate {
  /** Messages per interval. */
  readonly messages: number
  /** In milliseconds; default 1000. */
  readonly interval?: number | undefined
}

/** How a WebSocket is opened, and what its client may cost. */
export interface WebSocketOptions {
  /**
   * From which pages it may be opened (the `Origin` of the handshake); default `'same-origin'`. An origin, `'same-origin'`, an
   * expression for whole origins, several of these, `'*'` for any, or a function. Others are answered 403; clients that send
   * no origin are no browsers, and are let in.
   */
  readonly allowedOrigins?: OriginRule | undefined
  /** Sub-protocols that the server speaks: the first of the client's list that is among them is chosen; default none. */
  readonly protocols?: readonly string[] | undefined
  /** The largest message that is read, in bytes once inflated; default 4 MiB. A larger one closes with 1009. `Infinity` for any. */
  readonly maxMessageSize?: number | undefined
  /** In how many frames a message may come; default 16,384. More close with 1008. */
  readonly maxFragments?: number | undefined
  /** How often the client is pinged, in milliseconds; default 30 s. `Infinity` for never. */
  readonly heartbeat?: number | undefined
  /**
   * How long it may then be silent before its connection is cut, in milliseconds, `heartbeat` at most, which is the default.
   * Not counted while receiving is paused because nobody reads the messages that are there.
   */
  readonly pongTimeout?: number | undefined
  /** How long the closing handshake may take before the connection is cut, in milliseconds; default 10 s. */
  readonly closeTimeout?: number | undefined
  /** Up to how many unsent bytes `send` resolves at once; default 64 KiB. Above, it waits until its message has left. */
  readonly highWaterMark?: number | undefined
  /**
   * How many bytes may wait to be sent when senders do not wait, before the connection is cut; default 16 MiB. One message may
   * be larger than that.
   */
  readonly maxUnsent?: number | undefined
  /** How long a client may read nothing while a `send` waits, before it is cut, in milliseconds; default 60 s. */
  readonly sendTimeout?: number | undefined
  /** How many messages a client may send; more close with 1008. Default: as fast as the handler reads. */
  readonly rate?: MessageRate | undefined
  /** Whether and how messages are compressed; default `false`: compression costs time, and much memory per connection. */
  readonly perMessageDeflate?: boolean | DeflateOptions | undefined
}

/** What applies when nothing else is said. */
const DEFAULTS = {
  maxMessageSize: 4 * 1024 * 1024,
  maxFragments: 16 * 1024,
  heartbeat: 30_000,
  closeTimeout: 10_000,
  highWaterMark: 64 * 1024,
  maxUnsent: 16 * 1024 * 1024,
  sendTimeout: 60_000,
} satisfies WebSocketOptions

/** What a connection is limited by, complete. */
export interface WebSocketLimits {
  readonly maxMessageSize: number
  readonly maxFragments: number
  readonly heartbeat: number
  readonly pongTimeout: number
  readonly closeTimeout: number
  readonly highWaterMark: number
  readonly maxUnsent: number
  readonly sendTimeout: number
  readonly rate: MessageRate | undefined
}

/** @throws RangeError for a limit that is none, and a `pongTimeout` above `heartbeat` */
export function toLimits(options: WebSocketOptions): WebSocketLimits {
  const heartbeat = positive('heartbeat', options.heartbeat ?? DEFAULTS.heartbeat)
  const pongTimeout = positive('pongTimeout', options.pongTimeout ?? heartbeat)
  if (pongTimeout > heartbeat) {
    throw new RangeError(`Cannot wait ${pongTimeout} ms for a pong: "heartbeat" is ${heartbeat} ms`)
  }
  const { rate } = options
  if (rate) {
    positive('rate.messages', rate.messages)
    positive('rate.interval', rate.interval ?? 1)
  }
  return {
    maxMessageSize: assertMessageSize(options.maxMessageSize ?? DEFAULTS.maxMessageSize),
    maxFragments: positive('maxFragments', options.maxFragments ?? DEFAULTS.maxFragments),
    heartbeat,
    pongTimeout,
    closeTimeout: positive('closeTimeout', options.closeTimeout ?? DEFAULTS.closeTimeout),
    highWaterMark: positive('highWaterMark', options.highWaterMark ?? DEFAULTS.highWaterMark),
    maxUnsent: positive('maxUnsent', options.maxUnsent ?? DEFAULTS.maxUnsent),
    sendTimeout: positive('sendTimeout', options.sendTimeout ?? DEFAULTS.sendTimeout),
    rate,
  }
}

/** @throws RangeError for a size that is not above 0 */
export function assertMessageSize(bytes: number): number {
  return positive('maxMessageSize', bytes)
}

function positive(name: string, value: number): number {
  if (value > 0) return value
  throw new RangeError(`Cannot set "${name}" of a WebSocket to ${value}: it is above 0`)
}
