import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import t from 'tap'

import { watchFiles } from './file-watcher.ts'

t.test('files beside one that belongs to no package are watched', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'allium-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  let tell: (file: string) => void
  const told = new Promise<string>(resolve => (tell = resolve))
  const watcher = await watchFiles(join(folder, 'app.js'), [], file => tell(file))
  t.teardown(() => watcher.close())

  writeFileSync(join(folder, 'other.js'), '')

  t.equal(watcher.root, folder)
  t.equal(await told, join(folder, 'other.js'))
})
