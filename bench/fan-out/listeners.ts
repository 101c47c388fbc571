/** A process that listens to the events of a server over many connections, and says when all have got so many. */
import { once } from 'node:events'
import { connect } from 'node:net'

const [origin, connections] = process.argv.slice(2)
const { hostname, port, host } = new URL(origin!)
let received = 0
let expected = Infinity

process.on('message', (count: number) => {
  expected = count * Number(connections)
  received = 0
  process.send!('ready')
})
process.on('disconnect', () => process.exit())
await Promise.all(Array.from({ length: Number(connections) }, listen))
process.send!('listening')

async function listen(): Promise<void> {
  const socket = connect(Number(port), hostname)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await once(socket, 'data') // the head, and with it or soon the comment
  socket.on('data', count)
}

/** Every event has one line of data. */
function count(chunk: Buffer): void {
  for (let at = chunk.indexOf('data: '); at >= 0; at = chunk.indexOf('data: ', at + 6)) received++
  if (received < expected) return
  expected = Infinity
  process.send!('received')
}
