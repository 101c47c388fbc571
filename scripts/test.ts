/**
 * Runs the compiled tests with tap: one line per file, failures in full, and the count of assertions as the last line.
 * Arguments are options of tap's (`--disable-coverage`, `--grep=…`) and test files, or folders of them, by their source.
 */
import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { listModules, readConsumers, readPackages, root, type Unit } from './workspace.ts'

const options = process.argv.slice(2).filter(argument => argument.startsWith('-'))
const wanted = process.argv.slice(2).filter(argument => !argument.startsWith('-'))
let block: string[] = []
let totals = ''

const files = findTests()
const exitCode = files.length > 0 ? await runTap(files) : 1
printTotals(exitCode)

/** The compiled tests of the sources: what a removed source left behind in `dist` is not run. */
function findTests(): string[] {
  const tests = [...readPackages(), ...readConsumers()].flatMap(listCompiledTests)
  const missing = tests.filter(file => !existsSync(join(root, file)))
  for (const file of missing) console.log(`not ok - ${file} is not there: no project compiles that test`)
  return missing.length > 0 ? [] : tests
}

function listCompiledTests({ folder }: Unit): string[] {
  return listModules(folder)
    .filter(file => file.endsWith('.test.ts'))
    .filter(file => wanted.length === 0 || wanted.some(path => file.startsWith(path)))
    .map(file => file.slice(folder.length + 1).replace(/^src\//, ''))
    .map(path => `${folder}/dist/${path.replace(/\.ts$/, '.js')}`)
}

async function runTap(tests: readonly string[]): Promise<number> {
  rmSync(join(root, '.tap/report'), { recursive: true, force: true })
  const runner = join(root, 'node_modules/tap/dist/esm/run.mjs')
  const tap = spawn(
    process.execPath,
    [runner, '--reporter=tap', '--coverage-report=json', ...options, ...tests],
    {
      cwd: root,
      stdio: ['inherit', 'pipe', 'inherit'],
    },
  )
  const ended = new Promise<number>(resolve => tap.once('exit', code => resolve(code ?? 1)))
  for await (const line of createInterface({ input: tap.stdout })) readLine(line)
  return ended
}

/** Keeps the lines of a test file until its own result, at the left margin, says whether they matter. */
function readLine(line: string): void {
  if (line.startsWith('# {')) totals = line
  if (/^(not )?ok /.test(line)) printBlock(line)
  else if (line.startsWith('Bail out!')) console.log(line)
  else block.push(line)
}

function printBlock(result: string): void {
  if (result.startsWith('not ok')) console.log(block.filter(line => !/^\s+ok |^\s*$/.test(line)).join('\n'))
  console.log(result)
  block = []
}

function printTotals(exitCode: number): void {
  const [passed, failed, skipped] = [total('pass'), total('fail'), total('skip')]
  if (passed + failed === 0) console.log('No test was run')
  process.exitCode = exitCode || (passed > 0 && failed === 0 ? 0 : 1)
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
}

/** Reads a number of tap's own last line, as in `# { total: 7, pass: 6, skip: 1 }`. */
function total(name: string): number {
  return Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
}
