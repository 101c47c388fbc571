import { fastify } from 'fastify'

import { reportStart } from '../report-start.ts'

const app = fastify()
app.get('/', (_request, reply) => reply.send('hello'))
await app.listen({ host: '127.0.0.1', port: 0 })
reportStart()
