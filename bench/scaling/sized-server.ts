import { checkAnswer } from '../check-answer.ts'
import type { ServerName } from '../scenario.ts'
import { startServer } from '../server-process.ts'
import type { ServerProcess } from '../server-process.ts'
import { QUESTION } from './question.ts'
import { toEnv } from './sized-app.ts'
import type { Size } from './sized-app.ts'

/** A server of some size, under the name that it has in the table. */
export interface SizedServer extends Partial<Size> {
  readonly name: string
  readonly server: ServerName
}

/** Has several servers up for as long as they are measured, and compares what they answer first. */
export async function withServers(
  sized: readonly SizedServer[],
  measure: (servers: readonly ServerProcess[]) => Promise<void>,
): Promise<void> {
  const servers: ServerProcess[] = []
  try {
    for (const one of sized) servers.push(await start(one))
    await measure(servers)
  } finally {
    await Promise.all(servers.map(server => server.stop()))
  }
}

async function start({ name, server, routes = 0, middlewares = 0 }: SizedServer): Promise<ServerProcess> {
  const folder = new URL('./', import.meta.url)
  const env = toEnv({ routes, middlewares })
  const started = await startServer({ name, server, scenario: 'hello', folder, env })
  await checkAnswer(started, QUESTION)
  return started
}
