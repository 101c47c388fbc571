/** A process that opens connections to a server and keeps them: one process has too few file descriptors for all. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

import { QUESTION } from './question.ts'

const AT_ONCE = 100
const { hostname, port, host } = new URL(process.argv[2]!)
const sockets: Socket[] = []

process.on('message', (count: number) => void holdMore(count).then(() => process.send!(count)))
process.on('disconnect', () => process.exit())

/** Opens connections that have had one answer each. */
async function holdMore(count: number): Promise<void> {
  while (sockets.length < count) {
    const batch = Math.min(AT_ONCE, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: batch }, openIdle))))
  }
}

async function openIdle(): Promise<Socket> {
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${QUESTION.path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  let text = ''
  while (!text.endsWith(QUESTION.answer.body)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    text += chunk.toString()
  }
  return socket
}
