export { enterApp } from './request.ts'
