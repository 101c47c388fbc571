import { inheritedTargets } from '@allium/core'
import type { ListenTarget, RunAppOptions, TrustedPeers } from '@allium/core'

/** What the environment decides. */
export interface Settings extends RunAppOptions {
  readonly trustProxy: TrustedPeers | undefined
}

/**
 * Reads the environment; an empty variable counts as none.
 *
 * | variable | meaning | default |
 * | --- | --- | --- |
 * | `HOST`, `PORT` | where to listen | `127.0.0.1`, 8080 |
 * | `SOCKET` | a unix socket to listen on instead | |
 * | `WORKERS` | number of processes, or `auto` | 1 |
 * | `TRUST_PROXY` | who may speak for others, such as `unix` or `uniquelocal` | nobody |
 * | `SHUTDOWN_TIMEOUT` | milliseconds that a stop may take | 25000 |
 * | `DRAIN_DELAY` | milliseconds of it to go on accepting | 0 |
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const read = (name: string) => environment[name] || undefined
  const readNumber = (name: string) => (read(name) === undefined ? undefined : Number(read(name)))
  const workers = read('WORKERS')
  return {
    targets: readTargets(environment, read('SOCKET'), {
      host: read('HOST') ?? '127.0.0.1',
      port: readNumber('PORT'),
    }),
    workers: workers === 'auto' ? workers : readNumber('WORKERS'),
    trustProxy: read('TRUST_PROXY'),
    shutdownTimeout: readNumber('SHUTDOWN_TIMEOUT'),
    drainDelay: readNumber('DRAIN_DELAY'),
    accessLog: true,
  }
}

/** The sockets that systemd has opened go first. */
function readTargets(
  environment: NodeJS.ProcessEnv,
  path: string | undefined,
  otherwise: ListenTarget,
): ListenTarget[] {
  const inherited = inheritedTargets(environment)
  if (inherited.length > 0) return inherited
  return [path === undefined ? otherwise : { path, mode: 0o660 }]
}
