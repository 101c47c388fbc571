import process from 'node:process'

import { accessLogJson, accessLogText, runApp } from '@allium/core'
import type { AccessLog } from '@allium/core'

import { loadApp, parseAppSource } from './app-source.ts'
import type { AccessLogFormat, ServeCommand } from './command-line.ts'

/** Serves until SIGINT or SIGTERM, and gives the exit code. */
export async function serveApp(command: ServeCommand): Promise<number> {
  const { host, port, path, workers, shutdownTimeout } = command
  const source = parseAppSource(command.source)
  const accessLog = accessLogOf(command.accessLog)
  await runApp(() => loadApp(source), { host, port, path, workers, shutdownTimeout, accessLog })
  return Number(process.exitCode ?? 0)
}

/** The access log of a format. */
export function accessLogOf(format: AccessLogFormat): AccessLog | undefined {
  if (format === 'none') return undefined
  return format === 'json' ? accessLogJson() : accessLogText()
}
