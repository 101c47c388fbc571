// For @allium/testing, and nobody else: see decisions/128-a-door-from-core-to-testing.md.
export { isIdleCallback } from './idle-timer.ts'
export { enterApp } from './request.ts'
