import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'

/** A unix socket whose process is gone: a server that closes removes its file, one that is killed does not. */
export async function leaveSocket(path: string): Promise<void> {
  const source = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}
