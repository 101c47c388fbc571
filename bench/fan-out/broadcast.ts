import { EventEmitter } from 'node:events'

/** What the bench says to a server: send so many events to everybody, one in each turn of the event loop. */
export interface Broadcast {
  readonly kind: 'broadcast'
  readonly count: number
}

/** Tells everybody who is connected: an event `message` carries the data of one event. */
export const bus: EventEmitter = new EventEmitter().setMaxListeners(0)

const DATA = JSON.stringify({
  room: 'lobby',
  from: 'ada',
  text: 'The Analytical Engine weaves algebraic patterns.',
})

process.on('message', (message: Partial<Broadcast>) => {
  if (message.kind === 'broadcast') broadcast(message.count!)
})

function broadcast(left: number): void {
  if (left === 0) return
  bus.emit('message', DATA)
  setImmediate(() => broadcast(left - 1))
}
