import { Application, HttpBadRequest } from '@allium/core'
import type { Awaitable, Logger, Next, Request, Response } from '@allium/core'
import { securityHeaders } from '@allium/core/middlewares'
import { Channels, websocket } from '@allium/ws'
import { RedisBackplane } from '@allium/ws/redis'
import { createClient } from 'redis'
import { z } from 'zod'

/** How the chat is run. */
export interface ChatOptions {
  /** Where the Redis is that carries what is said between processes; without one each has rooms of its own. */
  readonly redis?: string | undefined
  readonly logger?: Logger | undefined
}

const said = z.object({ text: z.string().trim().min(1).max(1000) })

/** Rooms to talk in: whoever is in a room hears what is said there, in whatever process. */
export function createApp({ redis, logger }: ChatOptions = {}): Application {
  const app = new Application({ name: 'chat', logger })
  const channels = new Channels(app, {
    backplane: redis === undefined ? undefined : backplaneOf(app, redis),
    onGap: channels => void channels.get('everybody').broadcastJson({ kind: 'gap' }),
  })
  app.use(securityHeaders())

  app.get(
    '/rooms/:room',
    websocket(
      async (socket, { params, query }) => {
        const name = query.get('name') ?? ''
        const room = channels.get(params.room)
        await Promise.all([room.join(socket), channels.get('everybody').join(socket)])
        await socket.sendJson({ kind: 'welcome', room: room.name, process: process.pid })
        for await (const { text } of socket.jsonMessages({ schema: said })) {
          await room.broadcastJson({ kind: 'said', name, text })
        }
      },
      { maxMessageSize: 8 * 1024, rate: { messages: 20 } },
    ),
    { middlewares: [requireName] },
  )

  app.static('/', new URL('../public', import.meta.url))
  return app
}

/** Before the WebSocket is open, a refusal is an ordinary answer. */
function requireName(request: Request, next: Next): Awaitable<Response> {
  const name = request.query.get('name')?.trim() ?? ''
  if (name === '' || name.length > 40) throw new HttpBadRequest('Say who you are: ?name=')
  return next(request)
}

function backplaneOf(app: Application, url: string): RedisBackplane {
  const client = createClient({ url })
  client.on('error', (err: unknown) => app.logger.warn({ err }, 'Redis has a problem'))
  app.cleanupContexts.add(async function* () {
    await client.connect()
    yield
    client.destroy()
  })
  return new RedisBackplane({ client })
}
