import { AsyncResource } from 'node:async_hooks'
import type { Duplex } from 'node:stream'

import type { AppRunner, Clock } from '@allium/core'
import { memorySocketPair } from '@allium/core/memory-socket'

import type { PeerOptions } from './peer-options.ts'

/** Connects to a runner without a network: no port, no address of the machine. */
export class MemoryTransport {
  readonly origin: string = 'http://localhost'
  readonly #runner: AppRunner
  readonly #clock: Clock | undefined
  // A handler runs in the context that the server was started in, as over a network; not in that of the request.
  readonly #context = new AsyncResource('ALLIUMTESTSERVER', { requireManualDestroy: true })

  /** @param clock counts how long connections are idle; default: the global timers of the moment */
  constructor(runner: AppRunner, clock?: Clock | undefined) {
    this.#runner = runner
    this.#clock = clock
  }

  /** Any peer can be made up. */
  assertPeer(): void {}

  /** @throws UsageError `ERR_RUNNER_STATE` once the runner is stopping */
  connect({ remoteAddress, encrypted }: PeerOptions): Duplex {
    return this.#context.runInAsyncScope(() => {
      const pair = memorySocketPair({ clientAddress: remoteAddress, encrypted, clock: this.#clock })
      this.#runner.accept(pair.server)
      return pair.client
    })
  }

  close(): Promise<void> {
    this.#context.emitDestroy()
    return Promise.resolve()
  }
}
