export type { CookieHost, CookieTarget, TestCookie, TestCookies } from './cookie-jar.ts'
export type { RawConnection } from './raw-connection.ts'
export type {
  FieldsInit,
  FieldValue,
  RequestArguments,
  RequestBody,
  RequestHeadersInit,
  RequestTarget,
  RouteRequestInit,
  RouteTarget,
  TestRequestInit,
} from './request-init.ts'
export type { ApplicationSource, TransportName } from './running-app.ts'
export { TestClient, testClient } from './test-client.ts'
export type {
  AfterContext,
  FinishedContext,
  StateOverrides,
  TeardownContext,
  TestClientOptions,
  TestContext,
  TestUserOptions,
} from './test-client.ts'
export type { InformationalResponse, TestResponse } from './test-response.ts'
