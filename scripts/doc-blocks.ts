import { isTest, listFiles, listModules, readPackages, readText } from './workspace.ts'

/** A fenced `ts` block of a document or of a doc comment. */
export interface DocBlock {
  readonly file: string
  /** The line of the opening fence. */
  readonly line: number
  readonly code: string
  /** False for a block fenced as `ts compile`. */
  readonly runs: boolean
}

/** The blocks of every README, guide and doc comment, in order of file and line. */
export function readDocBlocks(): DocBlock[] {
  const packages = readPackages().map(unit => unit.folder)
  const documents = ['README.md', ...packages.map(folder => `${folder}/README.md`), ...listFiles('docs')]
  const present = [...listFiles('.'), ...packages.flatMap(listFiles)]
  const modules = packages.flatMap(folder => listModules(`${folder}/src`)).filter(file => !isTest(file))
  return [
    ...documents.filter(file => file.endsWith('.md') && present.includes(file)).flatMap(readBlocks),
    ...modules.flatMap(readBlocks),
  ]
}

/** Reads the blocks of a text: a fence may be indented, or stand behind the asterisk of a doc comment. */
function readBlocks(file: string): DocBlock[] {
  const blocks: DocBlock[] = []
  const lines = readText(file).split('\n')
  for (let index = 0; index < lines.length; index++) {
    const [, margin, flags] = /^([ >]*(?:\* ?)?)```ts\b *(.*)$/.exec(lines[index] ?? '') ?? []
    if (margin === undefined || flags === undefined) continue
    const end = lines.findIndex((line, at) => at > index && line.trimEnd() === `${margin}\`\`\``)
    if (end < 0) throw new Error(`Cannot read the block at ${file}:${index + 1}: it is not closed`)
    const code = lines.slice(index + 1, end).map(line => line.slice(margin.length))
    blocks.push({
      file,
      line: index + 1,
      code: code.join('\n'),
      runs: readRuns(flags, `${file}:${index + 1}`),
    })
    index = end
  }
  return blocks
}

function readRuns(flags: string, where: string): boolean {
  if (flags !== '' && flags !== 'compile')
    throw new Error(`Cannot use the fence "ts ${flags}" at ${where}: unknown flag`)
  return flags === ''
}
