/** Fails on any import cycle, type-only imports included, and on a module that imports its own package's door. */
import { dirname, posix } from 'node:path'
import { readImports, type Import } from './imports.ts'
import { report } from './report.ts'
import { isTest, listModules, readConsumers, readPackages, type Unit } from './workspace.ts'

const units = [...readPackages(), ...readConsumers()]
const doors = new Map(units.flatMap(unit => unit.doors.map(door => [door.specifier, door.source] as const)))
const graph = new Map(
  units.flatMap(unit => listModules(unit.folder)).map(file => [file, readImports(file)] as const),
)

report([...findCycles(), ...units.flatMap(findDoorImports)], `${graph.size} modules, no import cycle`)

/** The module of this repository that an import leads to, if it is one. */
function target({ file, specifier }: Import): string | undefined {
  return specifier.startsWith('.') ? posix.join(dirname(file), specifier) : doors.get(specifier)
}

/** Walks depth first: an import that leads back to a module on the current path closes a cycle. */
function findCycles(): string[] {
  const done = new Set<string>()
  const path: string[] = []
  const cycles: string[] = []
  for (const file of graph.keys()) walk(file)
  return cycles

  function walk(file: string): void {
    if (path.includes(file)) cycles.push(describeCycle([...path.slice(path.indexOf(file)), file]))
    if (done.has(file) || path.includes(file)) return
    path.push(file)
    for (const found of graph.get(file) ?? []) walk(target(found) ?? '')
    path.pop()
    done.add(file)
  }
}

function describeCycle(files: readonly string[]): string {
  return `Import cycle:\n  ${files.join('\n  -> ')}`
}

function findDoorImports(unit: Unit): string[] {
  const index = `${unit.folder}/src/index.ts`
  return listModules(`${unit.folder}/src`)
    .filter(file => !isTest(file))
    .flatMap(file => graph.get(file) ?? [])
    .filter(found => target(found) === index)
    .map(found => `${found.file}:${found.line}: a module does not import its own package's door`)
}
