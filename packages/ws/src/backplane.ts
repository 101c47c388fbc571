import type { Clock, Logger } from '@allium/core'

/**
 * What carries messages between the processes that share channels. It is asked for at most once: a message that was published
 * while a process was not connected is not delivered to it later. What one connection publishes to a channel arrives in order.
 *
 * Made for outside authors too: `@allium/ws/backplane-contract` has the tests that each has to pass.
 */
export interface Backplane {
  /**
   * Connects one process. The connection finds its way back by itself when it is lost, with its subscriptions, and then calls
   * `onGap`.
   */
  connect(listener: BackplaneListener): Promise<BackplaneConnection>
}

/** What a backplane tells the process that has connected. */
export interface BackplaneListener {
  /** What its timers are set by. */
  readonly clock: Clock
  /** Where it tells of failures that it gets over. */
  readonly logger: Logger
  /** A message on a channel that was subscribed to; those of the own connection too. */
  onMessage(channel: string, message: string): void
  /** The connection was lost and is back: messages may be missing. */
  onGap(): void
}

/** The connection of one process. */
export interface BackplaneConnection {
  /** Settles when the message is on its way. @throws what keeps it from that */
  publish(channel: string, message: string): Promise<void>
  /** Settles when every message that is published from now on will arrive. */
  subscribe(channel: string): Promise<void>
  /** No messages of the channel are wanted any more. */
  unsubscribe(channel: string): Promise<void>
  /** Nothing is called any more once this has settled. */
  close(): Promise<void>
}
