import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { RouteCoverage } from './route-coverage.ts'
import type { RouteCoverageReport } from './route-coverage.ts'

/** Names the folder into which every test process writes what it has seen. */
const VARIABLE = 'ALLIUM_ROUTE_COVERAGE'

// Of the process: runners run many test files in many processes or threads, each of which loads this once.
const ofThisProcess = new RouteCoverage()
const fileName = `${randomUUID()}.json`

/** What counts the requests of all clients of this process, when the environment asks for it. */
export function processCoverage(): RouteCoverage | undefined {
  return process.env[VARIABLE] ? ofThisProcess : undefined
}

/** Writes what this process has seen so far into the folder of the environment, if there is one. */
export function writeProcessCoverage(): void {
  const folder = process.env[VARIABLE]
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, fileName), JSON.stringify(ofThisProcess))
}

/**
 * The route coverage of a whole suite: of all processes that were run with the environment variable `ALLIUM_ROUTE_COVERAGE` set
 * to this folder. Empty it before the run: what is there is added up.
 *
 * @throws Error when the folder is not there
 * @throws TypeError for a file of JSON that is no route coverage
 */
export function readRouteCoverage(folder: string): RouteCoverage {
  const coverage = new RouteCoverage()
  for (const name of readdirSync(folder).filter(name => name.endsWith('.json'))) {
    coverage.merge(parseReport(readFileSync(join(folder, name), 'utf8'), join(folder, name)))
  }
  return coverage
}

function parseReport(text: string, file: string): RouteCoverageReport {
  const report = JSON.parse(text) as Partial<RouteCoverageReport> | null
  if (report?.version === 1 && Array.isArray(report.routes)) return report as RouteCoverageReport
  throw new TypeError(`Cannot read "${file}": it is no route coverage of version 1`)
}
