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
export type { TransportName } from './running-app.ts'
export type { ApplicationSource } from './startable-app.ts'
export type { StateOverrides } from './state-overrides.ts'
export { contextOf } from './context-of-hook.ts'
export { makeRequest } from './make-request.ts'
export type { MadeRequest, MakeRequestArguments, MakeRequestOptions } from './make-request.ts'
export { TestServer, testServer } from './test-server.ts'
export type { TestServerOptions } from './test-server.ts'
export { testClient } from './client-for-runner.ts'
export type { TestClientOptions, TestUserOptions } from './client-options.ts'
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
export type { WebSocketArguments, WebSocketInit } from './open-web-socket.ts'
export type { ReceivedMessage, TestWebSocket, WebSocketClose } from './test-web-socket.ts'
export { WebSocketRefused } from './web-socket-refused.ts'
export { readRouteCoverage } from './coverage-folder.ts'
export { RouteCoverage } from './route-coverage.ts'
export type {
  AnswerCounts,
  CoveredRoute,
  RouteCoverageReport,
  RouteCoverageTarget,
  StatusClass,
} from './route-coverage.ts'
export { LeakError } from './leaks.ts'
export type { AllowedLeaks, Leak, LeakKind } from './leaks.ts'
export { StrictnessError } from './strictness.ts'
export type { AllowedWarnings, TestWarning, WarningKind } from './strictness.ts'
