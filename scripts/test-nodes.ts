/**
 * Runs the compiled tests under every supported line of Node, without coverage: one line per version. Arguments are lines;
 * `--others` stands for all but that of this process.
 */
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { run, runOrThrow } from './run.ts'
import { root } from './workspace.ts'

const lines = ['20', '22', '24', '26']
const wanted = process.argv.slice(2)

for (const line of wantedLines()) await testUnder(line)

function wantedLines(): readonly string[] {
  if (wanted.includes('--others')) return lines.filter(line => !isThis(line))
  return wanted.length > 0 ? wanted : lines
}

function isThis(line: string): boolean {
  return process.versions.node.startsWith(`${line}.`)
}

async function testUnder(line: string): Promise<void> {
  const node = isThis(line) ? process.execPath : await fetchNode(line)
  const env = { ...process.env, PATH: dirname(node) + delimiter + process.env['PATH'] }
  const version = await runOrThrow(node, ['--version'])
  const { code, output } = await run(node, [join(root, 'scripts/dist/test.js'), '--disable-coverage'], {
    env,
  })
  if (code !== 0) console.log(output.trimEnd())
  console.log(`node ${version.trim()}: ${output.trimEnd().split('\n').at(-1)}`)
  if (code !== 0) process.exitCode = 1
}

/** Every line of Node is published to npm too, with one package per platform; it is kept for the next time. */
async function fetchNode(line: string): Promise<string> {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const prefix = join(root, '.nodes', line)
  const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  const node = join(prefix, 'node_modules', name, binary)
  if (!existsSync(node))
    await runOrThrow('npm', [
      'install',
      '--prefix',
      prefix,
      '--no-save',
      '--no-audit',
      '--no-fund',
      `${name}@${line}`,
    ])
  return node
}
