import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

import { FILES } from './payloads.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The state of a commit, built, in a folder of its own. */
export interface OtherVersion {
  /** Its compiled benches. */
  readonly folder: URL
  /** Removes the folder. */
  remove(): Promise<void>
}

/** @throws Error when there is no such commit, or it does not build */
export async function buildVersion(commit: string): Promise<OtherVersion> {
  const folder = await mkdtemp(join(tmpdir(), 'allium-compare-'))
  const remove = async () => {
    await run('git', ['worktree', 'remove', '--force', folder], { cwd: root })
    await rm(folder, { recursive: true, force: true })
  }
  await run('git', ['worktree', 'add', '--detach', folder, commit], { cwd: root })
  try {
    console.error(`Building ${commit} in ${folder}`)
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
    await run('npm', ['run', 'build'], { cwd: folder })
    await symlink(FILES, join(folder, relative(root, FILES)))
  } catch (error) {
    await remove()
    throw error
  }
  return { folder: pathToFileURL(join(folder, 'bench/dist/')), remove }
}
