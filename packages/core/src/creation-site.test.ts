import t from 'tap'

import { createdHere, isMadeByProgram, programFrames } from './creation-site.ts'

function site(...frames: string[]) {
  return { stack: ['Error', ...frames.map(frame => `    at ${frame}`)].join('\n') }
}

const PROGRAM = 'save (file:///srv/app/src/save.js:3:5)'
const LIBRARY = 'Pool.query (/srv/app/node_modules/pg/lib/index.js:1:2)'
const NODE = 'process.processTicksAndRejections (node:internal/process/task_queues:103:5)'
const HOOK = 'AsyncHook.init (node:internal/async_hooks:201:3)'

t.test('a place in a program is told from one in a library, in Node, or in Allium itself', async t => {
  const own = `spawn (${import.meta.url.replace('creation-site.test', 'tasks')}:1:1)`

  t.ok(isMadeByProgram(site(HOOK, 'new Promise (<anonymous>)', PROGRAM, NODE)))
  t.ok(isMadeByProgram(site('<anonymous> (/srv/app/src/app.ts:1:1)')), 'a function without a name')
  t.ok(isMadeByProgram(site('async C:\\app\\src\\save.js:3:5')))
  t.notOk(isMadeByProgram(site(HOOK, LIBRARY, PROGRAM)))
  t.notOk(isMadeByProgram(site(NODE, PROGRAM)))
  t.notOk(isMadeByProgram(site(own, PROGRAM)))
  t.notOk(isMadeByProgram(site(HOOK)))
  t.notOk(isMadeByProgram({}))
})

t.test('what is shown of a stack is the program with its libraries, in one line', async t => {
  t.equal(programFrames(site(HOOK, LIBRARY, PROGRAM, NODE)), `at ${LIBRARY}, at ${PROGRAM}`)
})

t.test('the function that asks is not part of the place', async t => {
  function asks() {
    return createdHere(asks)
  }
  t.notMatch(asks().stack, /asks/)
})
