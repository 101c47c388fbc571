/** `instanceof` for what was thrown: false, not an exception, for a proxy whose traps throw. */
export function isInstance<Instance>(
  value: unknown,
  constructor: abstract new (...args: never[]) => Instance,
): value is Instance {
  try {
    return value instanceof constructor
  } catch {
    return false
  }
}
