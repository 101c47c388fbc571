import { UsageError } from '@allium/core'
import type { Clock } from '@allium/core'

import type { IncomingQueue } from './incoming-queue.ts'
import type { WebSocketMessage } from './message.ts'

/** How long to wait for a message. */
export interface ReceiveOptions {
  /** In milliseconds; default: as long as it takes. */
  readonly timeout?: number | undefined
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The next message of a queue, or `undefined` when there is none any more. A wait that ends early takes nothing out of it.
 *
 * @throws DOMException `TimeoutError` after the timeout
 * @throws the reason of the AbortSignal
 * @throws UsageError `ERR_WEBSOCKET_STATE` while another read waits
 */
export function nextMessage(
  queue: IncomingQueue,
  clock: Clock,
  { timeout, signal }: ReceiveOptions = {},
): Promise<WebSocketMessage | undefined> {
  if (queue.isAwaited) return Promise.reject(readTwice())
  if (timeout === undefined && !signal) return new Promise(resolve => queue.read(resolve))
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => {
      timer?.clear()
      signal?.removeEventListener('abort', abort)
    }
    const fail = (reason: Error) => {
      stop()
      queue.stopReading()
      reject(reason)
    }
    const abort = () => fail(signal?.reason as Error)
    const expire = () => fail(new DOMException(`No message came within ${timeout} ms`, 'TimeoutError'))
    const timer = timeout === undefined ? undefined : clock.setTimer(expire, timeout, { keepsAlive: true })
    signal?.addEventListener('abort', abort, { once: true })
    queue.read(message => {
      stop()
      resolve(message)
    })
  })
}

/** What reading meets while another read waits. */
export function readTwice(): UsageError {
  return new UsageError('ERR_WEBSOCKET_STATE', 'Cannot receive from a WebSocket: another read waits already')
}
