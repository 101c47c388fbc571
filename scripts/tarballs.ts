import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOrThrow } from './run.ts'
import { readPackages, root, type Unit } from './workspace.ts'

/** A package as it would be published. */
export interface Tarball {
  readonly unit: Unit
  readonly path: string
  /** The paths of the packed files, relative to the package. */
  readonly files: readonly string[]
}

/** What `npm pack --json` says of one package. */
interface PackReport {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** An empty folder outside the repository, so that nothing is found by looking upwards. */
export function createTemporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'allium-'))
}

/** Packs every publishable package into a folder. */
export async function packAll(destination: string): Promise<Tarball[]> {
  const units = readPackages().filter(unit => !unit.manifest.private)
  return Promise.all(units.map(unit => pack(unit, destination)))
}

async function pack(unit: Unit, destination: string): Promise<Tarball> {
  const output = await runOrThrow('npm', ['pack', '--json', '--pack-destination', destination], {
    cwd: join(root, unit.folder),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = JSON.parse(output) as PackReport[]
  if (!packed) throw new Error(`Cannot pack ${unit.manifest.name}: npm reported nothing`)
  return { unit, path: join(destination, packed.filename), files: packed.files.map(file => file.path) }
}
