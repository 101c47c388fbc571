import { parseJsonText } from '@allium/core'
import type { HttpBadRequest, SchemaOption } from '@allium/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'

import { InvalidMessage } from './invalid-message.ts'

/** One message, whole, as it came from the client: `type` says whether it was sent as text or as bytes. */
export type WebSocketMessage = TextMessage | BinaryMessage

abstract class Message {
  /** The content, not copied; UTF-8 that was checked for text. */
  readonly data: Buffer

  constructor(data: Buffer) {
    this.data = data
  }

  /** How many bytes it has. */
  get size(): number {
    return this.data.length
  }

  /** The message as text. @throws InvalidMessage for bytes */
  abstract text(): string

  /**
   * What its JSON stands for. As for the bodies of requests, nesting is limited to 512 levels and keys that pollute prototypes
   * are refused.
   *
   * @throws InvalidMessage for bytes, and for text that is not JSON
   */
  json(): unknown
  /**
   * What the schema, of any Standard Schema library, makes of its JSON.
   *
   * @throws InvalidMessage for bytes, and for text that is not JSON or does not fit the schema
   */
  json<Schema extends StandardSchemaV1>(
    options: SchemaOption<Schema>,
  ): Promise<StandardSchemaV1.InferOutput<Schema>>
  json(options?: SchemaOption<StandardSchemaV1> | undefined): unknown {
    const value = parse(this.text())
    return options === undefined ? value : validate(options.schema, value)
  }
}

/** A message that was sent as text. */
export class TextMessage extends Message {
  /** Sent as text. */
  readonly type = 'text'

  /** Its text. */
  override text(): string {
    return this.data.toString()
  }

  /** @throws InvalidMessage always: it is text, and closes the WebSocket with 1003 where nobody catches this */
  bytes(): Buffer {
    throw new InvalidMessage(1003, 'The message is text where bytes are wanted')
  }
}

/** A message that was sent as bytes. */
export class BinaryMessage extends Message {
  /** Sent as bytes. */
  readonly type = 'binary'

  /** @throws InvalidMessage always: it is bytes, and closes the WebSocket with 1003 where nobody catches this */
  override text(): string {
    throw new InvalidMessage(1003, 'The message is bytes where text is wanted')
  }

  /** Its bytes: those that were received, not copied. */
  bytes(): Buffer {
    return this.data
  }
}

function parse(text: string): unknown {
  try {
    return parseJsonText(text)
  } catch (cause) {
    const { message } = cause as HttpBadRequest // it throws nothing else
    throw new InvalidMessage(1007, message, [], { cause })
  }
}

async function validate(schema: StandardSchemaV1, value: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(value)
  if (!result.issues) return result.value
  const first = result.issues[0]?.message ?? 'it does not fit'
  throw new InvalidMessage(1007, `The message does not fit its schema: ${first}`, result.issues)
}
