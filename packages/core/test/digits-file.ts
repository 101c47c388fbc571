import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Application, createLogger, file } from '@allium/core'
import type { FileOptions } from '@allium/core'

const CHANGED = new Date('2026-01-02T03:04:05.678Z')
/** The date of {@link digits}, as `Last-Modified` tells it. */
export const CHANGED_FIELD = 'Fri, 02 Jan 2026 03:04:05 GMT'

/** A file of ten bytes, `0123456789`, of a known date. */
export function digits(dir: string): string {
  const path = join(dir, 'digits.txt')
  writeFileSync(path, '0123456789')
  utimesSync(path, CHANGED, CHANGED)
  return path
}

/** An application that answers with the file. */
export function appWith(path: string, options?: FileOptions): Application {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.get('/', () => file(path, options))
  return app
}
