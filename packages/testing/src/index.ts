export type { CookieHost, CookieTarget, TestCookie, TestCookies } from './cookie-jar.ts'
export type { RawConnection } from './raw-connection.ts'
export type {
  RequestArguments,
  RequestHeadersInit,
  RequestTarget,
  RouteRequestInit,
  RouteTarget,
  TestRequestInit,
} from './request-init.ts'
export type { ApplicationSource, TransportName } from './running-app.ts'
export { testClient } from './client-for-test.ts'
export type { StateOverrides, TestClientOptions, TestUserOptions } from './client-options.ts'
export type { RequestMethods } from './request-methods.ts'
export { TestClient } from './test-client.ts'
export type { AfterContext, FinishedContext, TeardownContext, TestContext } from './test-context.ts'
export type { InformationalResponse, TestResponse } from './test-response.ts'
export { VirtualClock } from './virtual-clock.ts'
export type {
  AdvancedTimers,
  FakeTimers,
  PendingTimer,
  TickedTimers,
  VirtualClockOptions,
} from './virtual-clock.ts'
export type { MultipartInit, PartValue } from './multipart-form.ts'
export type { PeerOptions } from './peer-options.ts'
export type { RequestBody, RequestBodyInit } from './request-body.ts'
export type { FieldsInit, FieldValue } from './request-fields.ts'
export type { PendingResponse } from './pending-response.ts'
export type { ReceivedEvent, ReceivedEvents } from './received-events.ts'
