import { connect } from 'node:net'

/** The Redis that is used. */
export const REDIS_URL: string = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'

/** Whether something accepts connections there. */
export async function hasRedis(): Promise<boolean> {
  const { hostname, port } = new URL(REDIS_URL)
  return new Promise(resolve => {
    const socket = connect(Number(port || 6379), hostname)
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
