/** Type-checks every `ts` block of the documents and doc comments, each as a module of its own, and runs it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readDocBlocks, type DocBlock } from './doc-blocks.ts'
import { report } from './report.ts'
import { run } from './run.ts'
import { runScript, serve } from './serve.ts'
import { root } from './workspace.ts'

const folder = join(root, 'docs/.examples')

/** A block with the name of the module that it is written to. */
interface Example extends DocBlock {
  readonly name: string
}

const examples = readDocBlocks().map((block, index): Example => ({ ...block, name: toName(block, index) }))
writeExamples()
const mistakes = await compile()
const failures = mistakes.length > 0 ? [] : await runAll(examples.filter(example => example.runs))
report(
  [...mistakes, ...failures],
  `${examples.length} examples compile, ${examples.filter(({ runs }) => runs).length} of them run`,
)

function toName({ file, line }: DocBlock, index: number): string {
  return `${index}-${basename(file).replace(/\W/g, '-')}-${line}`
}

function writeExamples(): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { name, code } of examples) writeFileSync(join(folder, `${name}.ts`), `${code}\nexport {}\n`)
  const compilerOptions = { rootDir: '.', outDir: 'dist', composite: false, isolatedDeclarations: false }
  const project = {
    extends: '../../tsconfig.base.json',
    compilerOptions,
    files: examples.map(({ name }) => `${name}.ts`),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
}

/** Compiles all blocks in one run; mistakes are reported where the block stands in its document. */
async function compile(): Promise<string[]> {
  if (examples.length === 0) return []
  const { code, output } = await run(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    folder,
  ])
  return code === 0 ? [] : output.split('\n').filter(Boolean).map(toDocumentLine)
}

function toDocumentLine(message: string): string {
  const [, name, line, text] = /^docs\/\.examples\/(.+)\.ts\((\d+),\d+\): (.*)$/.exec(message) ?? []
  const example = examples.find(candidate => candidate.name === name)
  return example ? `${example.file}:${example.line + Number(line)}: ${text}` : message
}

async function runAll(queue: Example[]): Promise<string[]> {
  const problems: string[] = []
  await Promise.all([runNext(), runNext()])
  return problems

  async function runNext(): Promise<void> {
    for (let example = queue.shift(); example; example = queue.shift())
      problems.push(...(await runExample(example)))
  }
}

/** Runs a block; one that calls `runApp` is stopped once it serves. */
async function runExample({ name, code, file, line }: Example): Promise<string[]> {
  const script = join(folder, 'dist', `${name}.js`)
  const problem = await (/\brunApp\(/.test(code) ? serve(script) : runScript(script))
  return problem ? [`${file}:${line}: the example ${problem}`] : []
}
