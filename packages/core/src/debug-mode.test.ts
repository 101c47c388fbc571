import t from 'tap'

import { Application } from './application.ts'
import { applyDebugMode } from './debug-mode.ts'
import { createLogger } from './logger.ts'

function createApp(options: { debug?: boolean } = {}): { app: Application; lines: string[] } {
  const lines: string[] = []
  const logger = createLogger('debug', line => lines.push(line))
  return { app: new Application({ name: 'shop', logger, ...options }), lines }
}

t.test('ALLIUM_DEBUG turns debug mode on, and that is said', async t => {
  const { app, lines } = createApp()
  applyDebugMode(app, { ALLIUM_DEBUG: '1' })

  t.ok(app.debug)
  t.equal(lines.length, 1)
  t.match(lines[0], /WARN DEBUG MODE: .* apps=shop/)
})

t.test('without it nothing is turned on or said, and what the application decided stands', async t => {
  const off = createApp()
  const refusing = createApp({ debug: false })
  applyDebugMode(off.app, { ALLIUM_DEBUG: '0', NODE_ENV: 'production' })
  applyDebugMode(refusing.app, { ALLIUM_DEBUG: '1' })

  t.strictSame([off.app.debug, refusing.app.debug], [false, false])
  t.strictSame([...off.lines, ...refusing.lines], [])
})

t.test('in production debug mode is refused, also that of a mounted application (P34)', async t => {
  const { app } = createApp()
  const admin = new Application({ name: 'admin', debug: true })
  app.mount('/admin', admin)

  t.throws(() => applyDebugMode(app, { NODE_ENV: 'production' }), { code: 'ERR_DEBUG_IN_PRODUCTION' })
  t.throws(() => applyDebugMode(app, { NODE_ENV: 'production', ALLIUM_DEBUG: '1' }), {
    code: 'ERR_DEBUG_IN_PRODUCTION',
  })
})

t.test('forced in production, it is announced as an error (P34)', async t => {
  const { app, lines } = createApp()
  app.mount('/admin', new Application({ name: 'admin' }))
  applyDebugMode(app, { NODE_ENV: 'production', ALLIUM_DEBUG: 'force' })

  t.equal(lines.length, 1)
  t.match(lines[0], /ERROR DEBUG MODE: .*, IN PRODUCTION apps="shop, admin"/)
})
