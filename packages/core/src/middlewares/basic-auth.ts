import type { Awaitable, Middleware } from '../middleware.ts'
import type { Request } from '../request.ts'
import type { RequestKey } from '../state.ts'
import { challenge, realmParameter } from './challenge.ts'

/** What a client has sent; untrusted. */
export interface BasicCredentials {
  /** Without a colon; may be empty. */
  readonly username: string
  /** May be empty. */
  readonly password: string
}

/** What {@link basicAuth} needs. */
export interface BasicAuthOptions<Principal> {
  /** Where the verified user is left, for handlers: `request.state.get(principal)`. */
  readonly principal: RequestKey<Principal>
  /** Answers the user whom the credentials belong to, or `undefined`; compares by `secretsEqual` or a password hash. */
  readonly verify: (credentials: BasicCredentials, request: Request) => Awaitable<Principal | undefined>
  /** Shown by browsers when they ask; printable ASCII, default `'Restricted'`. */
  readonly realm?: string | undefined
}

const CREDENTIALS = /^basic +([a-z0-9+/]+={0,2}) *$/i
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Lets in who sends name and password (RFC 7617), and answers everybody else 401, malformed credentials included,
 * with the challenge that makes browsers ask. Text is UTF-8. Without https the password travels in clear.
 *
 * @throws TypeError for a realm that is not printable ASCII
 *
 * @example
 * ```ts
 * import { Application, RequestKey, text } from '@allium/core'
 * import { basicAuth, knownUsers } from '@allium/core/middlewares'
 *
 * const user = new RequestKey<string>('user')
 * const admin = new Application()
 * admin.use(basicAuth({ principal: user, verify: knownUsers({ ada: 'correct horse' }), realm: 'Staff' }))
 * admin.get('/', request => text(`hello ${request.state.get(user)}`))
 * ```
 */
export function basicAuth<Principal>(options: BasicAuthOptions<Principal>): Middleware {
  const { principal: key, verify, realm = 'Restricted' } = options
  const demand = `Basic ${realmParameter(realm)}, charset="UTF-8"`

  return async function basicAuth(request, next) {
    const credentials = parseCredentials(request.headers.get('authorization') ?? '')
    const principal = credentials && (await verify(credentials, request))
    if (principal == null) throw challenge(demand)
    request.state.set(key, principal)
    return next(request)
  }
}

function parseCredentials(field: string): BasicCredentials | undefined {
  const text = decode(CREDENTIALS.exec(field)?.[1] ?? '')
  const colon = text.indexOf(':')
  // eslint-disable-next-line no-control-regex
  if (colon === -1 || /[\u0000-\u001f\u007f]/.test(text)) return undefined
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

function decode(base64: string): string {
  try {
    return decoder.decode(Buffer.from(base64, 'base64'))
  } catch {
    return '' // not UTF-8
  }
}
