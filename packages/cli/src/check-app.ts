import { AppRunner } from '@allium/core'

import { loadApp } from './app-source.ts'
import type { AppSource } from './app-source.ts'
import { findKeyProblems } from './key-problems.ts'

/**
 * Makes the application, starts it without listening, and stops it again.
 *
 * @param timeout for loading and starting, and again for stopping, in milliseconds
 * @returns 0 when nothing is wrong
 * @throws whatever the application throws while it is loaded, started or stopped
 */
export async function checkApp(
  source: AppSource,
  timeout: number,
  print: (text: string) => Promise<unknown>,
): Promise<number> {
  const begun = performance.now()
  const app = await within(
    timeout,
    loadApp(source),
    'load: it may call runApp by itself, then start it with node',
  )
  const runner = new AppRunner(app, { shutdownTimeout: timeout })
  const routes = app.routes()
  await within(timeout, runner.startup(), 'start')
  const started = performance.now()
  const { problems, keys } = findKeyProblems(app)
  await runner.stop()
  const stopped = performance.now()

  problems.push(...leftovers(runner, timeout))
  for (const problem of problems) await print(`problem: ${problem}\n`)
  if (problems.length > 0) return 1
  const times = `started in ${Math.round(started - begun)} ms, stopped in ${Math.round(stopped - started)} ms`
  await print(`ok: ${countOf(routes.length, 'route')}, ${countOf(keys, 'state key')}, ${times}\n`)
  return 0
}

/** What still runs although its time is over. */
function leftovers({ wasForced, unfinished }: AppRunner, timeout: number): string[] {
  if (!wasForced) return []
  return [
    `it did not stop within ${timeout} ms`,
    ...unfinished.tasks.map(({ name }) => `task "${name}" does not end`),
    ...unfinished.cleanups.map(({ name }) => `clean-up "${name}" does not end`),
  ]
}

async function within<Value>(timeout: number, promise: Promise<Value>, attempt: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const error = new Error(`The application took longer than ${timeout} ms to ${attempt}`)
    error.stack = error.message
    timer = setTimeout(() => reject(error), timeout)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
