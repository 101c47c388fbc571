/** Removes everything that is generated, but keeps what was downloaded. */
import { existsSync, readdirSync, rmSync } from 'node:fs'

const units = ['packages', 'examples']
  .filter(existsSync)
  .flatMap(folder => readdirSync(folder).map(name => `${folder}/${name}`))
const generated = [...units, 'bench', 'scripts'].map(folder => `${folder}/dist`)

for (const path of [...generated, '.tap', 'docs/api', 'docs/.examples'])
  rmSync(path, { recursive: true, force: true })
