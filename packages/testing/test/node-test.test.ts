import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

function runSuite(): Promise<{ code: unknown; output: string }> {
  const file = fileURLToPath(new URL('node-test-suite.js', import.meta.url))
  return new Promise(resolve => {
    execFile(process.execPath, ['--test-reporter=tap', file], (error, output) => {
      resolve({ code: error?.code ?? 0, output })
    })
  })
}

t.test('under node:test, a handler that never answers fails its own test only', async t => {
  const { code, output } = await runSuite()

  t.equal(code, 1)
  t.match(output, /^ok 1 - a request is answered/m)
  t.match(output, /^not ok 2 - a handler never answers/m)
  t.match(output, /GET \/never failed: nothing goes on any more that could answer it/)
  t.match(output, /handler "anonymous" has not answered for \d+ ms/)
  t.match(output, /^ok 3 - a fake clock changes nothing for the client/m)
  t.match(output, /^ok 4 - a fake clock drives the application/m)
  t.match(output, /^ok 5 - advance\(\) takes a fake clock along/m)
  t.match(output, /^# cancelled 0/m)
})
