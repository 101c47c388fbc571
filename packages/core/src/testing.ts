// For @allium/testing, and nobody else: see decisions/128-a-door-from-core-to-testing.md.
export { enterApp } from './request.ts'
