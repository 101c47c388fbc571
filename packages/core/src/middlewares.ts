export { basicAuth } from './middlewares/basic-auth.ts'
export type { BasicAuthOptions, BasicCredentials } from './middlewares/basic-auth.ts'
export { bearerAuth } from './middlewares/bearer-auth.ts'
export type { BearerAuthOptions } from './middlewares/bearer-auth.ts'
export { clientKey } from './middlewares/client-key.ts'
export { compression, uncompressed } from './middlewares/compression.ts'
export type { CompressionOptions } from './middlewares/compression.ts'
export type { ContentCoding } from './middlewares/content-coding.ts'
export { cors, corsPolicy } from './middlewares/cors.ts'
export type { CorsOptions } from './middlewares/cors.ts'
export { csrf } from './middlewares/csrf.ts'
export type { CsrfOptions } from './middlewares/csrf.ts'
export { knownTokens, knownUsers, secretsEqual } from './middlewares/known-secrets.ts'
export { limitConcurrency } from './middlewares/limit-concurrency.ts'
export type { LimitConcurrencyOptions } from './middlewares/limit-concurrency.ts'
export { normalizePath } from './middlewares/normalize-path.ts'
export type { NormalizePathOptions } from './middlewares/normalize-path.ts'
export type { OriginRule } from './middlewares/origin.ts'
export { MemoryRateLimitStore } from './middlewares/rate-limit-store.ts'
export type {
  MemoryRateLimitStoreOptions,
  RateLimit,
  RateLimitResult,
  RateLimitStore,
} from './middlewares/rate-limit-store.ts'
export { rateLimit } from './middlewares/rate-limit.ts'
export type { RateLimitOptions } from './middlewares/rate-limit.ts'
export { RedisRateLimitStore } from './middlewares/redis-rate-limit-store.ts'
export type {
  IoredisScripts,
  NodeRedisScripts,
  RedisRateLimitStoreOptions,
} from './middlewares/redis-rate-limit-store.ts'
export { requestId } from './middlewares/request-id.ts'
export type { RequestIdOptions } from './middlewares/request-id.ts'
export { cspNonce, securityHeaders } from './middlewares/security-headers.ts'
export type { HstsOptions, SecurityHeadersOptions } from './middlewares/security-headers.ts'
export { requestIdKey } from './request-id.ts'
export { timeout } from './middlewares/timeout.ts'
