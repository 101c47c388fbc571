/**
 * Compares what every door exports at run time with the committed `exports.txt` of its package; `--write` updates it.
 * Each door must also load by `require()`, as the same module: top-level await would prevent that.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { report } from './report.ts'
import { readPackages, readText, root, type Door, type Unit } from './workspace.ts'

const require = createRequire(join(root, 'package.json'))
const problems: string[] = []
for (const unit of readPackages()) problems.push(...(await checkPackage(unit)))
report(problems, 'Every door exports what is listed, to import and to require alike')

async function checkPackage({ folder, doors }: Unit): Promise<string[]> {
  const file = `${folder}/exports.txt`
  const actual = (await Promise.all(doors.map(listExports))).join('\n')
  if (process.argv.includes('--write')) writeFileSync(join(root, file), actual)
  const listed = existsSync(join(root, file)) ? readText(file) : ''
  return [...compare(file, listed, actual), ...(await checkRequire(doors))]
}

async function listExports({ specifier }: Door): Promise<string> {
  const names = Object.keys(await load(specifier)).sort()
  return [specifier, ...names.map(name => `  ${name}`), ''].join('\n')
}

function compare(file: string, listed: string, actual: string): string[] {
  if (listed === actual) return []
  const [before, after] = [listed.split('\n'), actual.split('\n')]
  return [
    `${file} differs from what the doors export; if that is intended: npm run check:exports -- --write`,
    ...before.filter(line => !after.includes(line)).map(line => `  - ${line.trim()}`),
    ...after.filter(line => !before.includes(line)).map(line => `  + ${line.trim()}`),
  ]
}

async function checkRequire(doors: readonly Door[]): Promise<string[]> {
  const problems = await Promise.all(doors.map(findRequireProblem))
  return problems.filter(problem => problem !== undefined)
}

async function findRequireProblem({ specifier }: Door): Promise<string | undefined> {
  const imported = await load(specifier)
  try {
    const required = require(specifier) as Readonly<Record<string, unknown>>
    const same = Object.keys(imported).every(name => imported[name] === required[name])
    return same ? undefined : `${specifier}: require() and import give different values`
  } catch (error) {
    return `${specifier}: ${String(error)}`
  }
}

async function load(specifier: string): Promise<Readonly<Record<string, unknown>>> {
  return (await import(pathToFileURL(require.resolve(specifier)).href)) as Readonly<Record<string, unknown>>
}
