import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * A message is not of the kind that was asked for. The WebSocket stays open: a handler that lets the error pass closes it, with
 * the error's `closeCode`.
 */
export class InvalidMessage extends Error {
  /** 1003 for bytes in place of text and the other way round, 1007 for content that does not fit (RFC 6455 §7.4.1). */
  readonly closeCode: 1003 | 1007
  /** What a schema found wrong, empty without one. */
  readonly issues: readonly StandardSchemaV1.Issue[]

  constructor(
    closeCode: 1003 | 1007,
    message: string,
    issues: readonly StandardSchemaV1.Issue[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'InvalidMessage'
    this.closeCode = closeCode
    this.issues = issues
  }
}
