/** The reference for files: nginx with one worker, which this process starts, speaks for and takes down. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { NGINX } from '../nginx.ts'
import { FILES } from '../payloads.ts'
import type { Usage } from '../server-messages.ts'
import { reportListening } from './report.ts'

/** Of processor time, in microseconds: 100 in a second, whatever Linux runs on. */
const TICK = 10_000

const folder = mkdtempSync(join(tmpdir(), 'allium-bench-nginx-'))
const port = await findFreePort()
writeFileSync(join(folder, 'nginx.conf'), describeServer(port))
const nginx = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
nginx.on('exit', () => process.exit())
process.on('SIGTERM', () => nginx.kill())
process.on('exit', () => {
  nginx.kill()
  rmSync(folder, { recursive: true, force: true })
})
const worker = await findWorker()
reportListening(port, readUsage)

/** As a careful owner would set it, and with an answer like that of the others. */
function describeServer(port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
    ${process.getuid?.() === 0 ? `user ${userInfo().username};` : ''}
    daemon off;
    worker_processes 1;
    pid nginx.pid;
    events { worker_connections 1024; }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      keepalive_requests 1000000000; # the others have no limit
      types { text/plain txt; }
      charset utf-8;
      ${temporary.map(name => `${name}_temp_path ${name};`).join(' ')}
      server {
        listen 127.0.0.1:${port} backlog=511;
        location /files/ { root "${dirname(FILES)}"; }
      }
    }`
}

/** nginx cannot tell which port it was given. */
async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}

/** The master listens before it starts its worker. */
async function findWorker(): Promise<string> {
  for (let i = 0; i < 100; i++) {
    const [worker] = readFileSync(`/proc/${nginx.pid}/task/${nginx.pid}/children`, 'utf8').split(' ')
    if (worker) return worker
    await delay(50)
  }
  throw new Error('Cannot start nginx: it has no worker')
}

/** The worker's, since this process and the master have nothing to do. */
function readUsage(): Usage {
  const stat = readFileSync(`/proc/${worker}/stat`, 'utf8')
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number)
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${worker}/status`, 'utf8'))!
  return { kind: 'usage', cpu: (user! + system!) * TICK, peakMemory: Number(peak[1]) * 1024 }
}
