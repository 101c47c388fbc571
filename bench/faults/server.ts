/** The application that the faults are injected into; the argument says what goes wrong, the environment where it listens. */
import cluster from 'node:cluster'
import process from 'node:process'

import { Application, runApp, text } from '@allium/core'

const mode = process.argv[2] ?? 'none'
const { PORT = '0', SOCKET, WORKERS = '1', SHUTDOWN_TIMEOUT = '5000' } = process.env

let cut = 0

function createApp(): Application {
  const app = new Application()
  app.cleanupContexts.add(async function* first() {
    yield
    console.log('the first context was cleaned up')
    console.log(`accepted and not answered: ${cut}`)
  })
  app.cleanupContexts.add(async function* second() {
    if (mode === 'start-up throws') throw new Error('no database')
    yield
    if (mode === 'clean-up throws') throw new Error('no farewell')
  })
  app.get('/', () => text('hello'))
  app.get('/hang', () => {
    console.log('a handler hangs')
    return new Promise(() => {})
  })
  app.get('/task', () => {
    void app.tasks.spawn('endless', () => new Promise(() => {}))
    console.log('a task hangs')
    return text('hello')
  })
  app.get('/block', () => {
    console.log('the event loop is blocked')
    const end = performance.now() + 2000
    while (performance.now() < end);
    return text('hello')
  })
  if (mode === 'workers die' && cluster.isWorker) setTimeout(() => process.exit(3), 300)
  return app
}

await runApp(createApp, {
  accessLog: ({ aborted, target }) => {
    if (aborted && target === '/') cut++
  },
  ...(SOCKET === undefined ? { host: '127.0.0.1', port: Number(PORT) } : { path: SOCKET }),
  workers: Number(WORKERS),
  shutdownTimeout: Number(SHUTDOWN_TIMEOUT),
})
