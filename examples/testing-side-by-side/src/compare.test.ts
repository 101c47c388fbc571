import { readFileSync } from 'node:fs'

import t from 'tap'

import { catches, countLines, runSuite, SUITES, WORDS } from './compare.ts'
import type { Suite } from './compare.ts'
import { BUGS } from './service.ts'
import type { Bug } from './service.ts'

t.setTimeout(230_000)
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const suites = Object.keys(SUITES) as Suite[]

t.test('without a bug, the twelve tests of each suite pass', async t => {
  for (const suite of suites) {
    const { outcome, output } = await runSuite(suite)
    t.equal(outcome, 'passed', output)
    t.match(output, /^# pass 12$/m)
  }
})

t.test('the README says how long the suites are', async t => {
  t.same(
    cellsOf('lines'),
    suites.map(suite => String(countLines(suite))),
  )
})

t.test('each bug is caught and missed by those of which the README says so', async t => {
  for (const bug of Object.keys(BUGS) as Bug[]) {
    const said = cellsOf(BUGS[bug])
    const decided = suites.filter((_, index) => said[index] !== WORDS.late) // to wait for the others shows nothing more
    const found = (await catches(bug, decided)).map(outcome => WORDS[outcome])
    for (const [index, suite] of decided.entries()) {
      t.equal(found[index], said[suites.indexOf(suite)], `${suite}: ${BUGS[bug]}`)
    }
  }
})

t.test('Allium catches each bug, and names the connection that is left open', async t => {
  for (const bug of Object.keys(BUGS) as Bug[]) t.equal(cellsOf(BUGS[bug]).at(-1), WORDS.caught, BUGS[bug])

  const { output } = await runSuite('allium', 'leaked-connection')
  t.equal(output.match(/^not ok /gm)?.length, 12, 'each test has an application of its own')
  t.match(output, /timers: a timer\n.*\n\s+at new Database /)
})

/** What the README has in the line that begins so. */
function cellsOf(title: string): string[] {
  const line = readme.split('\n').find(each => each.startsWith(`| ${title}`))
  return (line ?? '')
    .split('|')
    .slice(2, -1)
    .map(cell => cell.trim())
}
