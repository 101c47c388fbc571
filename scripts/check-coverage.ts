/** Fails unless the last test run covered enough lines and branches of every package's own modules. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { report } from './report.ts'
import { isTest, listModules, readPackages, readText, root, type Unit } from './workspace.ts'

// Per cent, of lines and of branches, in every package: see decision 4.
const minimum = 98
const reportFile = '.tap/report/coverage-final.json'

/** What the report says of one module: how often each line, and each way of each branch, was taken. */
interface FileCoverage {
  readonly statementMap: Readonly<Record<string, Location>>
  readonly s: Readonly<Record<string, number>>
  readonly branchMap: Readonly<Record<string, { readonly locations: readonly Location[] }>>
  readonly b: Readonly<Record<string, readonly number[]>>
}

interface Location {
  readonly start: { readonly line: number }
}

/** The counts of a module or of a package. `missed` names the lines. */
interface Counts {
  readonly file: string
  readonly lines: readonly boolean[]
  readonly branches: readonly boolean[]
  readonly missed: readonly number[]
}

const coverage = readReport()
report(
  readPackages().flatMap(checkPackage),
  `Every package has ${minimum} % of its lines and of its branches covered`,
)

function readReport(): Map<string, FileCoverage> {
  if (!existsSync(join(root, reportFile))) throw new Error('Cannot read the coverage: run "npm test" first')
  const files = JSON.parse(readText(reportFile)) as Record<string, FileCoverage>
  return new Map(Object.entries(files))
}

function checkPackage({ folder, manifest }: Unit): string[] {
  const files = listModules(`${folder}/src`)
    .filter(file => !isTest(file) && hasCode(file))
    .map(readCounts)
  const lines = percentage(files.flatMap(file => file.lines))
  const branches = percentage(files.flatMap(file => file.branches))
  console.log(`${manifest.name}: ${lines.toFixed(2)} % of lines, ${branches.toFixed(2)} % of branches`)
  return lines >= minimum && branches >= minimum ? [] : files.filter(isBelow).map(describe)
}

/** Whether anything is left of a module at run time: one of types only is never loaded. */
function hasCode(file: string): boolean {
  const compiled = readText(file.replace('/src/', '/dist/').replace(/\.ts$/, '.js'))
  return compiled.replace(/^\/\/#.*$/m, '').trim() !== 'export {};'
}

/** A module that no test loaded is not in the report, and has nothing covered. */
function readCounts(file: string): Counts {
  const found = coverage.get(join(root, file))
  if (!found)
    return {
      file,
      lines: readText(file)
        .split('\n')
        .map(() => false),
      branches: [false],
      missed: [1],
    }
  const branches = Object.entries(found.b).flatMap(([id, counts]) =>
    counts.map((count, way) => ({ count, line: found.branchMap[id]?.locations[way]?.start.line ?? 0 })),
  )
  const lines = Object.entries(found.s).map(([id, count]) => ({
    count,
    line: found.statementMap[id]?.start.line ?? 0,
  }))
  const missed = [...lines, ...branches].filter(({ count }) => count === 0).map(({ line }) => line)
  return {
    file,
    lines: lines.map(({ count }) => count > 0),
    branches: branches.map(({ count }) => count > 0),
    missed: [...new Set(missed)].sort((a, b) => a - b),
  }
}

function percentage(taken: readonly boolean[]): number {
  return taken.length === 0 ? 100 : (100 * taken.filter(Boolean).length) / taken.length
}

function isBelow({ lines, branches }: Counts): boolean {
  return percentage(lines) < minimum || percentage(branches) < minimum
}

function describe({ file, lines, branches, missed }: Counts): string {
  const figures = `${percentage(lines).toFixed(1)} % of lines, ${percentage(branches).toFixed(1)} % of branches`
  return `  ${file}: ${figures}; see lines ${missed.join(', ')}`
}
