import type { ExchangeRecord } from './exchange-record.ts'
import type { RequestRun } from './run-log.ts'

/** What a {@link TestWarning} is about. */
export type WarningKind = 'content-length' | 'bodiless' | 'unread-body' | 'cookies' | 'next'

/** Something that works, and is wrong all the same. */
export interface TestWarning {
  /** What {@link TestClient.allowWarnings} calls it. */
  readonly kind: WarningKind
  /** Method and path. */
  readonly request: string
  /** What is wrong, in one line. */
  readonly message: string
}

/** Why a warning is not wanted, by kind. */
export type AllowedWarnings = { readonly [Kind in WarningKind]?: string | undefined }

/** What `client.close()` rejects with when a client is strict and something was wrong. */
export class StrictnessError extends Error {
  /** One by one. */
  readonly warnings: readonly TestWarning[]

  /** @internal */
  constructor(warnings: readonly TestWarning[]) {
    const lines = warnings.map(({ kind, request, message }) => `  ${kind}: ${request}: ${message}`)
    super([`The application works, but not as it should`, ...lines].join('\n'))
    this.name = 'StrictnessError'
    this.warnings = warnings
  }
}

const KINDS: readonly string[] = [
  'content-length',
  'bodiless',
  'unread-body',
  'cookies',
  'next',
] satisfies WarningKind[]
/** Statuses whose responses never have a body. */
const BODILESS = [204, 205]

/** Looks for what HTTP or good manners forbid, and a client would not notice. */
export class Strictness {
  readonly #warnings: TestWarning[] = []
  readonly #allowed = new Set<string>()

  /** What was found and is not allowed, in order. */
  get warnings(): readonly TestWarning[] {
    return this.#warnings.filter(({ kind }) => !this.#allowed.has(kind))
  }

  /** @throws TypeError for a kind that there is not, or one without a reason */
  allow(kinds: AllowedWarnings): void {
    for (const [kind, reason] of Object.entries(kinds)) {
      if (!KINDS.includes(kind)) {
        throw new TypeError(`Cannot allow warnings of "${kind}": there are ${KINDS.join(', ')}`)
      }
      if (!reason?.trim()) throw new TypeError(`Cannot allow warnings of "${kind}" without a reason`)
      this.#allowed.add(kind)
    }
  }

  /** @throws StrictnessError */
  assertNone(): void {
    const { warnings } = this
    if (warnings.length > 0) throw new StrictnessError(warnings)
  }

  /** A request is over. */
  lookAtRun(run: RequestRun): void {
    const { request, response, failures } = run
    const warn = (kind: WarningKind, message: string) =>
      this.#warn(kind, { method: request.method, path: request.rawPath }, message)
    for (const error of failures) if (isAboutLength(error)) warn('content-length', error.message)
    if (run.wasOvertaken) warn('next', overtakingText(run))
    if (!response) return
    const { status, body } = response
    const length = lengthOf(body)
    const declared = response.headers.get('content-length')
    if (length !== undefined && length > 0 && BODILESS.includes(status)) {
      warn(
        'bodiless',
        `${status} has no body, that of ${length === Infinity ? '?' : length} bytes was not sent`,
      )
    } else if (
      declared !== null &&
      length !== undefined &&
      length !== Infinity &&
      Number(declared) !== length
    ) {
      warn('content-length', `content-length: ${declared} was declared, the body has ${length} bytes`)
    }
    if (request.hasBody && !run.wasRead && status < 400 && status !== 101) {
      warn('unread-body', `it was answered with ${status}, and nobody has read its body`)
    }
  }

  /** A response has begun. */
  lookAtCookies(record: ExchangeRecord, setCookies: readonly string[]): void {
    for (const field of setCookies) {
      const [pair = '', ...attributes] = field.split(';').map(part => part.trim())
      const missing = missingOf(attributes)
      if (pair.endsWith('=') || missing.length === 0) continue // without a value it is taken away
      const name = pair.split('=', 1)[0]
      this.#warn('cookies', record, `the cookie "${name}" is set without ${missing.join(' and ')}`)
    }
  }

  /** Bytes have come behind the end of a response. */
  lookAtSurplus({ method, path }: ExchangeRecord, bytes: number): void {
    this.#warn('content-length', { method, path }, `${bytes} bytes came behind the end of the response`)
  }

  /** Without the query, in which secrets may be. */
  #warn(kind: WarningKind, { method, path }: Pick<ExchangeRecord, 'method' | 'path'>, message: string): void {
    this.#warnings.push({ kind, request: `${method} ${path.split('?', 1)[0]}`, message })
  }
}

/** What a cookie should have; one that is taken away needs nothing. */
function missingOf(attributes: readonly string[]): string[] {
  if (attributes.some(attribute => /^max-age=(?:0|-\d+)$/i.test(attribute))) return []
  const names = attributes.map(attribute => attribute.split('=', 1)[0]!.toLowerCase())
  return ['HttpOnly', 'SameSite'].filter(name => !names.includes(name.toLowerCase()))
}

/** In bytes; `Infinity` for a stream, `undefined` for none. */
function lengthOf(body: unknown): number | undefined {
  if (body === null) return undefined
  return typeof body === 'string' || body instanceof Uint8Array ? Buffer.byteLength(body) : Infinity
}

function isAboutLength(error: unknown): error is Error {
  return error instanceof Error && (error as { readonly code?: unknown }).code === 'ERR_RESPONSE_LENGTH'
}

function overtakingText({ layers }: RequestRun): string {
  const names = layers.map(({ layer }) => `"${layer.name}"`)
  return `it was answered before next() had: one of ${names.slice(0, -1).join(', ')} does not wait for it`
}
