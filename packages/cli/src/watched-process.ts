/** The process that serves while `allium serve --watch` watches: it takes connections, and does not listen. */
import type { Socket } from 'node:net'
import process from 'node:process'

import { runApp } from '@allium/core'
import type { AppRunner } from '@allium/core'

import { loadApp } from './app-source.ts'
import { describeFailure } from './describe-failure.ts'
import { accessLogOf } from './serve-app.ts'
import type { WatchedOptions, WatchedReport } from './watch-app.ts'

const { source, accessLog, shutdownTimeout } = JSON.parse(process.argv[2]!) as WatchedOptions
const stop = new AbortController()
let runner: AppRunner | undefined

process.on('disconnect', () => stop.abort()) // it does not outlive whoever watches
process.on('message', (message, socket) => {
  if ((message as { allium: string }).allium === 'stop') return stop.abort()
  if (!socket) return // the client has left on the way
  runner?.accept(socket as Socket)
  ;(socket as Socket).resume()
})

try {
  await runApp(() => loadApp(source), {
    targets: [],
    print: null,
    shutdownTimeout,
    accessLog: accessLogOf(accessLog),
    signal: stop.signal,
    onListening: serving => {
      runner = serving
      process.send!({ allium: 'serving' } satisfies WatchedReport)
    },
  })
} catch (error) {
  process.exitCode = 1
  const reason = describeFailure(error)
  process.stderr.write(`${reason}\n`)
  await new Promise(resolve => process.send!({ allium: 'failed', reason } satisfies WatchedReport, resolve))
}
process.exit()
