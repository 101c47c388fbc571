/** Every example has its read-me and a test, and its `main` starts, serves and stops by SIGTERM. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { report } from './report.ts'
import { serve } from './serve.ts'
import { listFiles, readConsumers, root } from './workspace.ts'

const examples = readConsumers()
  .map(unit => unit.folder)
  .filter(folder => folder.startsWith('examples/'))
const problems: string[] = []
for (const folder of examples) problems.push(...checkFiles(folder), ...(await checkStart(folder)))
report(problems, `${examples.length} examples are complete, start and stop`)

function checkFiles(folder: string): string[] {
  const files = listFiles(folder)
  return [
    ...(files.includes(`${folder}/README.md`) ? [] : [`${folder}: there is no README.md`]),
    ...(files.some(file => file.endsWith('.test.ts')) ? [] : [`${folder}: there is no test`]),
  ]
}

async function checkStart(folder: string): Promise<string[]> {
  const main = join(root, folder, 'dist/main.js')
  if (!existsSync(main)) return [`${folder}: there is no main.ts`]
  const problem = await serve(main)
  return problem ? [`${folder}: main.ts ${problem}`] : []
}
