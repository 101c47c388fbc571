import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * Has a schema of any Standard Schema library look at what an application answered.
 *
 * @param subject what the value is, for the message
 * @throws TypeError listing what does not fit
 */
export async function parseWith<Schema extends StandardSchemaV1>(
  schema: Schema,
  value: unknown,
  subject: string,
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  const result = await schema['~standard'].validate(value)
  if (!result.issues) return result.value
  const issues = result.issues.map(({ message, path = [] }) => {
    const keys = path.map(segment => String(typeof segment === 'object' ? segment.key : segment))
    return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
  })
  throw new TypeError([`${subject} does not fit its schema`, ...issues].join('\n'))
}
