/**
 * The gate: runs every check and stops at the first that fails, with its full output.
 * `--skip=test` leaves steps out and says so. It is plain JavaScript because it runs before anything is built.
 */
import { spawn } from 'node:child_process'

/** One after another. Of a stage that has several rows the rows are run at once: nothing in them depends on time. */
const stages = [
  [['format:check', 'build']],
  [
    ['lint'],
    [
      'check:cycles',
      'check:boundaries',
      'check:exports',
      'check:publish',
      'docs',
      'check:docs',
      'check:examples',
    ],
  ],
  [['test', 'check:coverage', 'check:bench', 'check:pack', 'check:docker', 'faults']],
]
const skipped = process.argv
  .filter(argument => argument.startsWith('--skip='))
  .map(argument => argument.slice(7))

for (const rows of stages) await Promise.all(rows.map(runRow))

async function runRow(steps) {
  for (const step of steps) {
    if (skipped.includes(step)) console.log(`skip  ${step}`)
    else await check(step)
  }
}

async function check(step) {
  const start = performance.now()
  const { code, output } = await runScript(step)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok   ' : 'FAIL '} ${step.padEnd(16)} ${seconds.padStart(6)} s`)
  if (code === 0) return
  console.log(output)
  process.exit(1)
}

function runScript(name) {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '--silent', name], { shell: process.platform === 'win32' })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', text => (output += text))
    child.once('error', reject)
    child.once('close', code => resolve({ code, output }))
  })
}
