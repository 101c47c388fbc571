import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the root `package.json`. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What the scripts read of a `package.json`. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** An entry of `package.json#exports`: what a user may import, and the source file behind it. */
export interface Door {
  readonly specifier: string
  readonly source: string
}

/** A publishable package, or another folder whose modules are checked like one (an example, the benches). */
export interface Unit {
  readonly folder: string
  readonly manifest: Manifest
  readonly doors: readonly Door[]
}

/** The publishable packages, sorted by folder. */
export function readPackages(): Unit[] {
  return childFolders('packages').map(readUnit)
}

/** Everything else that imports packages: examples, benches, the scripts themselves. */
export function readConsumers(): Unit[] {
  return [...childFolders('examples'), 'bench', 'scripts'].filter(isFolder).map(readUnit)
}

/** All files under a folder, relative to the root, without what is generated or installed. */
export function listFiles(folder: string): string[] {
  if (!isFolder(folder)) return []
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter(file => !/(^|\/)(dist|node_modules|\.[^/]+)\//.test(file))
    .sort()
}

/** The TypeScript modules under a folder. */
export function listModules(folder: string): string[] {
  return listFiles(folder).filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts'))
}

/** Tests of values, tests of types, and everything in a `test` folder. */
export function isTest(file: string): boolean {
  return /\.test(-d)?\.ts$|(^|\/)test\//.test(file)
}

/** The text of a file, given relative to the root. */
export function readText(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function childFolders(folder: string): string[] {
  if (!isFolder(folder)) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(entry => `${folder}/${entry.name}`)
    .sort()
}

function isFolder(folder: string): boolean {
  return existsSync(join(root, folder))
}

function readUnit(folder: string): Unit {
  const file = `${folder}/package.json`
  const manifest = existsSync(join(root, file))
    ? (JSON.parse(readText(file)) as Manifest)
    : { name: folder, version: '0.0.0', private: true }
  return { folder, manifest, doors: toDoors(folder, manifest) }
}

function toDoors(folder: string, manifest: Manifest): Door[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? []
      : [{ specifier: manifest.name + subpath.slice(1), source: `${folder}/${toSource(target.default)}` }],
  )
}

function toSource(target: string): string {
  return target.replace('./dist/', 'src/').replace(/\.js$/, '.ts')
}
