import type { Awaitable, Middleware } from '../middleware.ts'
import type { Request } from '../request.ts'
import type { RequestKey } from '../state.ts'
import { challenge, realmParameter } from './challenge.ts'

/** What {@link bearerAuth} needs. */
export interface BearerAuthOptions<Principal> {
  /** Where whoever the token belongs to is left, for handlers: `request.state.get(principal)`. */
  readonly principal: RequestKey<Principal>
  /** Answers whom the token belongs to, or `undefined`; compares by `secretsEqual`, or verifies a signature. */
  readonly verify: (token: string, request: Request) => Awaitable<Principal | undefined>
  /** Names what is protected; printable ASCII, default `'Restricted'`. */
  readonly realm?: string | undefined
}

const TOKEN = /^bearer +([a-z0-9._~+/-]+=*) *$/i

/**
 * Lets in who sends a token in the `Authorization` field (RFC 6750), and answers everybody else 401; a token that
 * is not accepted is told from none by `error="invalid_token"`. Tokens in queries or bodies are not looked at: they end
 * up in logs.
 *
 * @throws TypeError for a realm that is not printable ASCII
 *
 * @example
 * ```ts
 * import { Application, RequestKey, text } from '@allium/core'
 * import { bearerAuth, knownTokens } from '@allium/core/middlewares'
 *
 * const caller = new RequestKey<string>('caller')
 * const api = new Application()
 * api.use(bearerAuth({ principal: caller, verify: knownTokens({ backup: 'k7RzQ1', ci: 'p02xM8' }) }))
 * api.get('/', request => text(`hello ${request.state.get(caller)}`))
 * ```
 */
export function bearerAuth<Principal>(options: BearerAuthOptions<Principal>): Middleware {
  const { principal: key, verify, realm = 'Restricted' } = options
  const demand = `Bearer ${realmParameter(realm)}`

  return async function bearerAuth(request, next) {
    const field = request.headers.get('authorization')
    const token = TOKEN.exec(field ?? '')?.[1]
    const principal = token === undefined ? undefined : await verify(token, request)
    if (principal == null) throw challenge(field === null ? demand : `${demand}, error="invalid_token"`)
    request.state.set(key, principal)
    return next(request)
  }
}
