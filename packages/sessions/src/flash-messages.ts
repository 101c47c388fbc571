import type { SessionValues, ValueKey } from './session-values.ts'

/** A message for the page that comes next. */
export interface FlashMessage {
  /** What kind of message, as for a style: `'info'`, `'error'`. */
  readonly kind: string
  /** What it says. */
  readonly text: string
}

// No application can have a key of this name.
const flashKey: ValueKey<FlashMessage[]> = {
  name: '~flash',
  read: stored => stored as FlashMessage[] | undefined, // only flash() stores under it
}

/** The messages that were left, oldest first. */
export function readFlash(values: SessionValues): FlashMessage[] {
  return [...(values.get(flashKey) ?? [])]
}

/** Leaves one more, behind those of other requests. */
export function leaveFlash(values: SessionValues, message: FlashMessage): void {
  update(values, messages => [...messages, message])
}

/** Removes the oldest: what another request leaves meanwhile is behind these, and stays. */
export function removeFlash(values: SessionValues, count: number): void {
  if (count > 0) update(values, messages => messages.slice(count))
}

function update(values: SessionValues, work: (messages: FlashMessage[]) => FlashMessage[]): void {
  values.update(flashKey.name, stored => {
    const messages = work(flashKey.read(stored) ?? [])
    return messages.length > 0 ? messages : undefined
  })
}
