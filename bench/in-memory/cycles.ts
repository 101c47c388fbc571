import { TestClient } from '@allium/testing'
import inject from 'light-my-request'
import supertest from 'supertest'

import { createAllium, createExpress, createFastify, createHono, listener } from './apps.ts'
import { subject } from './subject.ts'
import type { Subject } from './subject.ts'

function allium(name: string, transport: 'memory' | 'tcp'): Subject {
  return subject(name, async () => {
    const client = await TestClient.start(createAllium(), { transport })
    const text = await (await client.get('/')).text()
    await client.close()
    return text
  })
}

/** A whole test each: makes an application, sends one request, closes what there is to close. */
export const cycles: readonly Subject[] = [
  subject('light-my-request, bare handler', async () => (await inject(listener, '/')).payload),
  allium('Allium, memory', 'memory'),
  allium('Allium, TCP', 'tcp'),
  subject('fastify.inject, Fastify', async () => {
    const app = createFastify()
    const { body } = await app.inject('/')
    await app.close()
    return body
  }),
  subject('app.request, Hono', async () => (await createHono().request('/')).text()),
  subject('supertest, Express', async () => (await supertest(createExpress()).get('/')).text),
]
