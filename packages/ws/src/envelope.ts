/** What processes that share channels tell each other. */
export type Envelope =
  | { readonly kind: 'message'; readonly data: string | Uint8Array }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'question' }

/** An envelope, and the process that it comes from. */
export interface ReceivedEnvelope {
  readonly node: string
  readonly envelope: Envelope
}

// One letter for the kind, 36 characters for the process, the rest is the content.
const HEAD = 37

/** An envelope as text. */
export function writeEnvelope(node: string, envelope: Envelope): string {
  if (envelope.kind === 'question') return `q${node}`
  if (envelope.kind === 'count') return `c${node}${envelope.count}`
  const { data } = envelope
  if (typeof data === 'string') return `t${node}${data}`
  return `b${node}${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`
}

/** Reads what {@link writeEnvelope} has written; `undefined` for anything else that somebody may have published. */
export function readEnvelope(text: string): ReceivedEnvelope | undefined {
  const node = text.slice(1, HEAD)
  const content = text.slice(HEAD)
  if (node.length < HEAD - 1) return undefined
  if (text.startsWith('t')) return { node, envelope: { kind: 'message', data: content } }
  if (text.startsWith('b'))
    return { node, envelope: { kind: 'message', data: Buffer.from(content, 'base64') } }
  if (text.startsWith('q')) return { node, envelope: { kind: 'question' } }
  const count = Number(content)
  if (!text.startsWith('c') || !Number.isSafeInteger(count) || count < 0) return undefined
  return { node, envelope: { kind: 'count', count } }
}
