import type { SessionRecord } from '@allium/sessions'

export const MINUTE = 60_000
export const now = Date.now()

/** What is stored of Ada, for a minute from {@link now}. */
export const record: SessionRecord = {
  data: '{"a":1}',
  principal: 'ada',
  createdAt: now,
  lastSeenAt: now,
  expiresAt: now + MINUTE,
  renewedFrom: undefined,
}
