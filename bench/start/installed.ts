import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What comes onto the disk with some packages: everything that they depend on at run time, each version once. */
export interface Installed {
  readonly packages: number
  readonly bytes: number
}

/** The fields of a package.json that are read. */
interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const here = fileURLToPath(new URL('../../', import.meta.url))

/** Measures packages as npm would install them. */
export function measureInstalled(names: readonly string[]): Installed {
  const folders = new Set<string>()
  for (const name of names) collect(name, here, folders)
  let bytes = 0
  for (const folder of folders) bytes += isInstalled(folder) ? sizeOf(folder) : sizeWhenPacked(folder)
  return { packages: folders.size, bytes }
}

function collect(name: string, from: string, folders: Set<string>): void {
  const folder = findPackage(name, from)
  if (folders.has(folder)) return
  folders.add(folder)
  const { dependencies = {} } = readManifest(folder)
  for (const dependency of Object.keys(dependencies)) collect(dependency, folder, folders)
}

function findPackage(name: string, from: string): string {
  const folder = join(from, 'node_modules', name)
  if (existsSync(join(folder, 'package.json'))) return realpathSync(folder)
  if (dirname(from) === from) throw new Error(`Cannot measure ${name}: it is not installed`)
  return findPackage(name, dirname(from))
}

function isInstalled(folder: string): boolean {
  return folder.includes(`${sep}node_modules${sep}`)
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function sizeOf(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue // packages of their own
    const path = join(folder, entry.name)
    bytes += entry.isDirectory() ? sizeOf(path) : statSync(path).size
  }
  return bytes
}

/** A workspace holds more than is published. */
function sizeWhenPacked(folder: string): number {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = JSON.parse(output.toString()) as { readonly unpackedSize: number }[]
  return packed!.unpackedSize
}
