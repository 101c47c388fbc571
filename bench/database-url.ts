import { once } from 'node:events'
import { connect } from 'node:net'

/** The PostgreSQL that the `database` scenario asks. */
export const DATABASE_URL: string = process.env['DATABASE_URL'] ?? 'postgresql://root@127.0.0.1:5432/test'

/** Whether anything listens there. */
export async function hasDatabase(): Promise<boolean> {
  const { hostname, port } = new URL(DATABASE_URL)
  const socket = connect(Number(port || 5432), hostname)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
