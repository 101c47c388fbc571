import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AppKey, Application, eventStream, file, HttpBadRequest, HttpNotFound, json } from '@allium/core'
import type { Logger } from '@allium/core'
import { compression, securityHeaders } from '@allium/core/middlewares'

import { Shelf } from './shelf.ts'

export const shelf: AppKey<Shelf> = new AppKey<Shelf>('shelf')

const GIBIBYTE = 1024 ** 3

/** Files to share: uploaded while they are read, downloaded in parts, announced as they arrive. */
export function createApp(options: { logger?: Logger } = {}): Application {
  const app = new Application({ name: 'file-share', logger: options.logger })

  app.provide(shelf, async function* () {
    const opened = new Shelf(await mkdtemp(join(tmpdir(), 'file-share-')))
    yield opened
    await opened.close()
  })
  app.use(compression(), securityHeaders())

  app.get('/files', ({ app }) => json(app.state.get(shelf).files))

  app.post(
    '/files',
    async request => {
      const added = []
      for await (const part of request.multipart()) {
        if (part.filename) added.push(await request.app.state.get(shelf).add(part.filename, part.stream()))
      }
      if (added.length === 0) throw new HttpBadRequest('Send at least one file')
      return json(added, { status: 201 })
    },
    { bodyLimit: 2 * GIBIBYTE },
  )

  app.get('/files/:id', ({ app, params }) => {
    const found = app.state.get(shelf).find(params.id)
    if (!found) throw new HttpNotFound()
    return file(found.id, { root: app.state.get(shelf).directory, download: true, filename: found.name })
  })

  app.get('/arrivals', ({ app }) =>
    eventStream(
      async function* ({ signal, lastEventId }) {
        const count = /^\d{1,9}$/.test(lastEventId ?? '') ? Number(lastEventId) : 0
        for await (const [number, file] of app.state.get(shelf).arrivalsAfter(count, signal)) {
          yield { id: String(number), data: file }
        }
      },
      { retry: 1000 },
    ),
  )

  app.static('/', new URL('../public', import.meta.url))
  return app
}
