/** Preloaded into an example that serves: whatever port it asks for, it gets a free one. */
import { Server } from 'node:net'

const listen = Reflect.get(Server.prototype, 'listen') as (this: Server, ...args: unknown[]) => Server

Reflect.set(Server.prototype, 'listen', function (this: Server, ...args: unknown[]): Server {
  return listen.apply(this, args.map(toFreePort))
})

function toFreePort(argument: unknown, index: number): unknown {
  if (index === 0 && typeof argument === 'number') return 0
  return typeof argument === 'object' && argument && 'port' in argument ? { ...argument, port: 0 } : argument
}
