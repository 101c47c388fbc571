import type { AddressInfo } from 'node:net'

import { fastify } from 'fastify'

import { reportListening } from '../../servers/report.ts'
import { otherPaths, PATH, readSize } from '../sized-app.ts'

const size = readSize()
const app = fastify()
for (let i = 0; i < size.middlewares; i++) app.addHook('onRequest', async () => {})
for (const path of otherPaths(size)) app.get(path, (request, reply) => reply.send(request.url))
app.get<{ Params: { id: string } }>(PATH, ({ params }, reply) => reply.send(`part of ${params.id}`))
await app.listen({ host: '127.0.0.1', port: 0 })
reportListening((app.server.address() as AddressInfo).port)
