import type { Scenario } from './scenario.ts'
import type { ServerProcess } from './server-process.ts'

/**
 * Asks a server once and compares the answer: a server that says something else is not in the same race.
 *
 * @throws Error naming the server and what differs
 */
export async function checkAnswer(server: ServerProcess, scenario: Scenario): Promise<void> {
  const { method, path, body, answer } = scenario
  const [cookie] = server.cookies
  const headers = {
    ...server.headers,
    ...(cookie !== undefined && { cookie }),
    'accept-encoding': 'identity', // as the load asks
  }
  const response = await fetch(server.origin + path, { method, headers, body: body ?? null })
  const text = await response.text()
  const type = response.headers.get('content-type')?.split(';')[0]

  assertSame(server, 'status', response.status, 200)
  assertSame(server, 'media type', type, answer.type)
  assertSame(server, 'length', response.headers.get('content-length'), String(Buffer.byteLength(answer.body)))
  assertSame(server, 'body', text, answer.body)
}

function assertSame(server: ServerProcess, what: string, actual: unknown, expected: unknown): void {
  if (actual === expected) return
  throw new Error(
    `Cannot measure ${server.name}: the ${what} is ${shown(actual)} instead of ${shown(expected)}`,
  )
}

function shown(value: unknown): string {
  return String(value).slice(0, 200)
}
