import Negotiator from 'negotiator'

/** Longer fields count as absent: no client has one, and reading 16 KiB of them costs 15 ms. */
const MAX_LENGTH = 1024

/** Its declared types are older than it is: they lack the order of the server. */
interface EncodingNegotiator {
  encodings(available: readonly string[], options: { readonly preferred: readonly string[] }): string[]
}

/**
 * The content coding of an answer (RFC 9110 §12.5.3): that of highest weight among those available, of equal weights
 * the one that is listed first. `identity`, no coding at all, is always available, and last unless listed.
 *
 * @param acceptEncoding the field, `null` when the request has none: then there is no coding
 * @param available codings in lower case, best first
 * @returns `undefined` when the client accepts none of them, nor `identity`
 */
export function preferredEncoding<Coding extends string>(
  acceptEncoding: string | null,
  available: readonly Coding[],
): Coding | 'identity' | undefined {
  const candidates = [...available, 'identity' as const]
  const negotiator: EncodingNegotiator = negotiate('accept-encoding', acceptEncoding)
  return negotiator.encodings(candidates, { preferred: candidates })[0] as Coding | 'identity' | undefined // a candidate
}

/**
 * The media type of an answer (RFC 9110 §12.5.1): that of highest weight among those available, of equal weights the
 * one that the client names more closely, then earlier, then the one that is listed first.
 *
 * @param accept the field, `null` when the request has none: then everything is accepted
 * @param available media types in lower case, best first
 * @returns `undefined` when the client accepts none of them
 */
export function preferredType<Type extends string>(
  accept: string | null,
  available: readonly Type[],
): Type | undefined {
  return negotiate('accept', accept).mediaType(available) as Type | undefined // one of those available
}

function negotiate(name: string, value: string | null): Negotiator {
  const isUsable = value !== null && value.length <= MAX_LENGTH
  return new Negotiator({ headers: isUsable ? { [name]: value } : {} })
}
