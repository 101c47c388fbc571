import process from 'node:process'

import { Application, eventStream, healthRoutes, json } from '@allium/core'
import type { Logger, ServerSentEvent, TrustedPeers } from '@allium/core'

/** What {@link createApp} can be given. */
export interface AppOptions {
  readonly trustProxy?: TrustedPeers | undefined
  readonly logger?: Logger | undefined
}

/** An application that tells what it knows of whoever asks: enough to see whether what stands in front of it is right. */
export function createApp(options: AppOptions = {}): Application {
  const app = new Application(options)
  app.addRoutes(healthRoutes())

  app.get('/', ({ remote, scheme, host }) => json({ remote, scheme, host, pid: process.pid }))
  app.get('/clock', () => eventStream(({ signal }) => tick(app, signal)))
  return app
}

async function* tick({ clock }: Application, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
  while (!signal.aborted) {
    yield { data: new Date(clock.now()).toISOString() }
    await clock.delay(1000, { signal })
  }
}
