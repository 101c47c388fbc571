import { join } from 'node:path'

import { Application } from '@allium/core'
import type { StaticOptions } from '@allium/core'
import type { TestClient } from '@allium/testing'
import type { Test } from 'tap'

export const SITE = {
  'secret.txt': 'secret',
  public: {
    'index.html': '<h1>Home</h1>',
    'a b&ü.txt': 'odd name',
    'app.css': 'body {}',
    'app.css.gz': 'compressed',
    '.env': 'secret',
    '.well-known': { 'security.txt': 'contact' },
    docs: { 'index.html': '<h1>Docs</h1>', 'page.html': '<h1>Page</h1>' },
    images: { 'logo.svg': '<svg/>' },
  },
}

/** The application of a directory like the one above, served at `/assets`. */
export function assets(t: Test, options?: StaticOptions): { app: Application; root: string } {
  const root = join(t.testdir(SITE), 'public')
  const app = new Application()
  app.static('/assets', root, options)
  return { app, root }
}

/** Status of a GET for this very target, as no client would send it. */
export async function statusOf(client: TestClient, target: string): Promise<number> {
  const connection = client.connect()
  await connection.send(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  return Number((await connection.receive()).slice(9, 12))
}
