import { Application, AppRunner, text } from '@allium/core'
import { getSession, MemoryStore, SessionKey, sessions } from '@allium/sessions'

import { scenarios } from '../../scenarios.ts'
import { reportListening } from '../../servers/report.ts'

const use = process.env['BENCH_SESSIONS']
const user = new SessionKey<string>('user')
const app = new Application()
if (use === 'layer') app.use((request, next) => next(request))
if (use === 'unused' || use === 'read') app.use(sessions({ storage: new MemoryStore() }))
if (use === 'read') {
  app.get('/', async request => text((await getSession(request)).get(user) ?? scenarios.hello.answer.body))
} else {
  app.get('/', () => text(scenarios.hello.answer.body))
}

const runner = new AppRunner(app)
await runner.startup()
const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
reportListening(port)
