import process from 'node:process'

import { runApp } from '@allium/core'

import { createApp } from './app.ts'

const { DATABASE_URL, ADMIN_TOKEN, HOST = '127.0.0.1', PORT = '8080' } = process.env

// An empty variable counts as none.
const options = { databaseUrl: DATABASE_URL || undefined, adminToken: ADMIN_TOKEN || undefined }

await runApp(() => createApp(options), {
  host: HOST,
  port: Number(PORT),
  print: line => console.log(`${line}\n\n${whatToTry(line.replace('Listening on ', ''))}`),
})

function whatToTry(url: string): string {
  return [
    'Try',
    `  curl -i ${url}/users -H 'content-type: application/json' -d '{"name":"Ada","email":"ada@example.com"}'`,
    `  curl -i ${url}/users/1`,
    `  curl -i ${url}/users`,
    `  curl -i -X DELETE ${url}/users/1`,
    `  curl -i ${url}/nowhere`,
    '',
    'Stop with Ctrl-C.',
  ].join('\n')
}
