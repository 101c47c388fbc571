import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { FILES, fileText } from './payloads.ts'

/** Makes the files that are served. */
export function writeFiles(): void {
  mkdirSync(FILES, { recursive: true })
  writeFileSync(join(FILES, '10k.txt'), fileText(10 * 1024))
  writeFileSync(join(FILES, '10m.txt'), fileText(10 * 1024 * 1024))
}
