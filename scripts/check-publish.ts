/** Checks what is in every package's tarball, and its manifest and types with publint and "are the types wrong". */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { report } from './report.ts'
import { run } from './run.ts'
import { createTemporaryFolder, packAll, type Tarball } from './tarballs.ts'
import { root } from './workspace.ts'

const unwanted = /\.test(-d)?\.|(^|\/)test\/|\.tsbuildinfo$|(^|\/)\./
const expected = /^(dist|src)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/

const folder = createTemporaryFolder()
const tarballs = await packAll(folder)
const problems: string[] = []
for (const tarball of tarballs) problems.push(...checkFiles(tarball), ...(await lint(tarball)))
rmSync(folder, { recursive: true })
report(problems, `${tarballs.length} packages are fit to publish`)

function checkFiles({ unit, files }: Tarball): string[] {
  return [
    ...files.filter(file => unwanted.test(file) || !expected.test(file)).map(file => `is published: ${file}`),
    ...unit.doors
      .map(door => door.source.slice(unit.folder.length + 1))
      .filter(file => !files.includes(file))
      .map(file => `is not published: ${file}`),
  ].map(problem => `${unit.manifest.name}: ${problem}`)
}

async function lint({ path }: Tarball): Promise<string[]> {
  const results = [
    await runTool('publint/src/cli.js', ['run', path, '--strict']),
    await runTool('@arethetypeswrong/cli/dist/index.js', [path, '--profile', 'esm-only']),
  ]
  return results.filter(({ code }) => code !== 0).map(({ output }) => output)
}

function runTool(script: string, args: readonly string[]): ReturnType<typeof run> {
  return run(process.execPath, [join(root, 'node_modules', script), ...args], {
    env: { ...process.env, NO_COLOR: '1' },
  })
}
