#!/usr/bin/env node
/** `allium-route-coverage <folder> [--threshold 90] [--classes 2xx,4xx] [--json]` */
import { parseArgs } from 'node:util'

import { readRouteCoverage } from './coverage-folder.ts'
import type { StatusClass } from './route-coverage.ts'

const CLASSES: readonly string[] = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'] satisfies StatusClass[]

try {
  run()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}

function run(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threshold: { type: 'string', default: '0' },
      classes: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
    },
  })
  const [folder] = positionals
  if (folder === undefined) throw new Error('Cannot read route coverage: no folder was named')
  const coverage = readRouteCoverage(folder)
  process.stdout.write(`${values.json ? JSON.stringify(coverage, undefined, 2) : coverage.toText()}\n`)
  coverage.assertReached({ threshold: Number(values.threshold), classes: toClasses(values.classes) })
}

function toClasses(text: string): StatusClass[] {
  const names = text.split(',').filter(name => name !== '')
  const unknown = names.find(name => !CLASSES.includes(name))
  if (unknown !== undefined)
    throw new RangeError(`Cannot ask for "${unknown}": status classes are ${CLASSES.join(', ')}`)
  return names as StatusClass[] // each is one
}
