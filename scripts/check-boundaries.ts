/** Fails on an import that crosses a border between packages where no door is, or that nobody declared. */
import { dirname, posix } from 'node:path'
import { isPackageImport, packageName, readImports, type Import } from './imports.ts'
import { report } from './report.ts'
import { isTest, listModules, readConsumers, readPackages, type Unit } from './workspace.ts'

/** Which packages of this repository a package may import. */
const allowedEdges: Readonly<Record<string, readonly string[]>> = {
  '@allium/router': [],
  '@allium/core': ['@allium/router'],
  '@allium/cli': ['@allium/core'],
  '@allium/sessions': ['@allium/core'],
  '@allium/ws': ['@allium/core'],
  '@allium/testing': ['@allium/core', '@allium/ws'],
}

const packages = readPackages()
const consumers = readConsumers()
const doors = new Set(packages.flatMap(unit => unit.doors.map(door => door.specifier)))
const owned = new Set(packages.map(unit => unit.manifest.name))

report(
  [...[...packages, ...consumers].flatMap(checkPaths), ...packages.flatMap(checkPackage)],
  `${packages.length} packages and ${consumers.length} other folders keep to their borders`,
)

/** Holds for every module, tests included: no relative path leaves the unit, no package is entered but by a door. */
function checkPaths(unit: Unit): string[] {
  const imports = listModules(unit.folder).flatMap(readImports)
  return [
    ...imports
      .filter(found => found.specifier.startsWith('.') && !resolvePath(found).startsWith(`${unit.folder}/`))
      .map(found => describe(found, 'a relative import stays in its own package')),
    ...imports
      .filter(found => owned.has(packageName(found.specifier)) && !doors.has(found.specifier))
      .map(found => describe(found, 'is not a door: see the exports of that package')),
  ]
}

/** Holds for what is published. */
function checkPackage(unit: Unit): string[] {
  const imports = listModules(`${unit.folder}/src`)
    .filter(file => !isTest(file))
    .flatMap(readImports)
    .filter(found => isPackageImport(found.specifier))
  const atRunTime = imports.filter(found => !found.typeOnly)
  return [
    ...checkEdges(unit, imports),
    ...checkDeclared(unit, atRunTime),
    ...checkSingleImporter(atRunTime.filter(found => !owned.has(packageName(found.specifier)))),
  ]
}

function checkEdges({ manifest }: Unit, imports: readonly Import[]): string[] {
  const allowed = [manifest.name, ...(allowedEdges[manifest.name] ?? [])]
  return imports
    .filter(({ specifier }) => owned.has(packageName(specifier)) && !allowed.includes(packageName(specifier)))
    .map(found => describe(found, `${manifest.name} may not import this package`))
}

function checkDeclared({ manifest }: Unit, imports: readonly Import[]): string[] {
  const { dependencies, peerDependencies, optionalDependencies } = manifest
  const declared = { ...dependencies, ...peerDependencies, ...optionalDependencies }
  return imports
    .filter(
      ({ specifier }) => !(packageName(specifier) in declared) && packageName(specifier) !== manifest.name,
    )
    .map(found => describe(found, `is not a dependency of ${manifest.name}`))
}

/** One file per package knows a third-party module, so that replacing it touches one file. */
function checkSingleImporter(imports: readonly Import[]): string[] {
  const importers = new Map<string, string>()
  return imports.flatMap(found => {
    const name = packageName(found.specifier)
    const first = importers.get(name) ?? found.file
    importers.set(name, first)
    return first === found.file ? [] : [describe(found, `is imported at run time by ${first} already`)]
  })
}

function resolvePath({ file, specifier }: Import): string {
  return posix.join(dirname(file), specifier)
}

function describe({ file, line, specifier }: Import, problem: string): string {
  return `${file}:${line}: "${specifier}" ${problem}`
}
