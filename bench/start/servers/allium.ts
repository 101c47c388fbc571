import { Application, AppRunner, text } from '@allium/core'

import { reportStart } from '../report-start.ts'

const app = new Application()
app.get('/', () => text('hello'))
const runner = new AppRunner(app)
await runner.startup()
await runner.listen({ host: '127.0.0.1', port: 0 })
reportStart()
