import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const FOLDER = fileURLToPath(new URL('runners/', import.meta.url))
const require = createRequire(import.meta.url)

interface Run {
  readonly code: unknown
  readonly output: string
}

/**
 * Runs a suite as its users would. Its environment is not that of tap, which is about this run; and it is not covered:
 * vitest runs modules that it has rewritten, whose lines are not those of the sources.
 */
function run(args: readonly string[]): Promise<Run> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TAP|NODE_OPTIONS)/.test(name)),
  )
  return new Promise(resolve => {
    execFile(
      process.execPath,
      args,
      { cwd: FOLDER, env: { ...env, NO_COLOR: '1', CI: '1', _TAPJS_PROCESSINFO_COVERAGE_: '0' } },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    )
  })
}

function bin(runner: string, path: string): string {
  return join(dirname(require.resolve(`${runner}/package.json`)), path)
}

t.test('the suite passes under tap', async t => {
  const { code, output } = await run(['tap.spec.js'])

  t.equal(code, 0, output)
  t.match(output, /^# \{ total: 8, pass: 8 \}/m)
})

t.test('the suite passes under node:test', async t => {
  const { code, output } = await run(['--test', '--test-reporter=tap', 'node.spec.js'])

  t.equal(code, 0, output)
  t.match(output, /^# pass 7$/m)
})

t.test('the suite passes under vitest', async t => {
  const { code, output } = await run([bin('vitest', 'vitest.mjs'), 'run', 'vitest.spec.js'])

  t.equal(code, 0, output)
  t.match(output, /Tests\s+8 passed \(8\)/)
})

t.test('the suite passes under jest', async t => {
  const { code, output } = await run([
    '--experimental-vm-modules',
    bin('jest', 'bin/jest.js'),
    '--config={"transform":{}}',
    `--rootDir=${FOLDER}`,
    'jest.spec.js',
  ])

  t.equal(code, 0, output)
  t.match(output, /Tests:\s+8 passed, 8 total/)
})

t.test('the suite passes under mocha', async t => {
  const { code, output } = await run([bin('mocha', 'bin/mocha.js'), 'mocha.spec.js'])

  t.equal(code, 0, output)
  t.match(output, /7 passing/)
})
