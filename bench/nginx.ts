import { existsSync } from 'node:fs'

import { hasCommand } from './cores.ts'

/** Debian keeps it where only root's path leads. */
export const NGINX: string = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx'

/** Whether nginx can be measured here: its usage is read where Linux tells it. */
export const hasNginx: boolean = process.platform === 'linux' && hasCommand(NGINX, ['-v'])
