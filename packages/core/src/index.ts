export { ACCESS_FORMAT, accessLogJson, accessLogText } from './access-log.ts'
export type { AccessEntry, AccessLog } from './access-log.ts'
export type { Answer } from './answer.ts'
export { AppRunner } from './app-runner.ts'
export type { Unfinished } from './app-runner.ts'
export { Application } from './application.ts'
export type { ApplicationOptions, StartupOptions } from './application-options.ts'
export { ClientGoneError } from './body.ts'
export type { CleanupContext, CleanupContexts, PendingTeardown } from './cleanup-context.ts'
export { Clock } from './clock.ts'
export type { DelayOptions, Timer, TimerOptions } from './clock.ts'
export type { ByteRange } from './byte-range.ts'
export { checkConditions, requestedRanges } from './conditional.ts'
export type { RangedValidators, Validators } from './conditional.ts'
export type { CookieOptions, ResponseCookies } from './cookies.ts'
export { DeferredResponse } from './deferred-response.ts'
export type { EntityTag } from './entity-tag.ts'
export { eventStream, EventStreamResponse, lastEventId } from './event-stream.ts'
export type { EventSource, EventStreamContext, EventStreamOptions } from './event-stream.ts'
export type { ErrorClass, ErrorHandler } from './error-handlers.ts'
export type { ForwardedElement } from './forwarded.ts'
export { fetchHandler } from './fetch-handler.ts'
export type { FetchFunction } from './fetch-handler.ts'
export type { FileCaching, FileHeadOptions } from './file-head.ts'
export { file, FileResponse } from './file-response.ts'
export type { FileOptions } from './file-response.ts'
export type { FileRootOptions } from './file-root.ts'
export { Form } from './form.ts'
export type { FormValue } from './form.ts'
export type { FormLimits } from './form-limits.ts'
export type { GroupedFields } from './group-fields.ts'
export { Headers } from './headers.ts'
export type { HeadersInit } from './headers.ts'
export { healthRoutes } from './health-routes.ts'
export type { HealthRoutesOptions } from './health-routes.ts'
export {
  HttpBadGateway,
  HttpBadRequest,
  HttpConflict,
  HttpContentTooLarge,
  HttpError,
  HttpExpectationFailed,
  HttpFailedDependency,
  HttpForbidden,
  HttpGatewayTimeout,
  HttpGone,
  HttpInsufficientStorage,
  HttpInternalServerError,
  HttpLengthRequired,
  HttpLocked,
  HttpLoopDetected,
  HttpMethodNotAllowed,
  HttpMisdirectedRequest,
  HttpNetworkAuthenticationRequired,
  HttpNotAcceptable,
  HttpNotExtended,
  HttpNotFound,
  HttpNotImplemented,
  HttpPaymentRequired,
  HttpPreconditionFailed,
  HttpPreconditionRequired,
  HttpProxyAuthenticationRequired,
  HttpRangeNotSatisfiable,
  HttpRequestHeaderFieldsTooLarge,
  HttpRequestTimeout,
  HttpServiceUnavailable,
  HttpTooEarly,
  HttpTooManyRequests,
  HttpUnauthorized,
  HttpUnavailableForLegalReasons,
  HttpUnprocessableContent,
  HttpUnsupportedMediaType,
  HttpUpgradeRequired,
  HttpUriTooLong,
  HttpVariantAlsoNegotiates,
  HttpVersionNotSupported,
} from './http-error.ts'
export type { HttpContentTooLargeOptions, HttpErrorOptions } from './http-error.ts'
export { inheritedTargets } from './listen-target.ts'
export type { ListenAddress, ListenTarget } from './listen-target.ts'
export { createLogger } from './logger.ts'
export type { Logger, LogLevel } from './logger.ts'
export type { Awaitable, Handler, Middleware, Next } from './middleware.ts'
export type { ForwardedFact, TrustedPeers, TrustProxyOptions } from './proxy-trust.ts'
export { parseJsonText } from './json-text.ts'
export { MultipartPart } from './multipart-part.ts'
export type { UpgradeListener } from './node-listener.ts'
export { nodeHandler, nodeMiddleware } from './node-handler.ts'
export type { NodeFunction } from './node-handler.ts'
export { RequestAborted } from './request-aborted.ts'
export type { AbortCause } from './request-aborted.ts'
export type { RequestApp, RequestRoute } from './request-app.ts'
export type { RequestConditions } from './request-conditions.ts'
export type { FormOptions, JsonOptions, RequestContent, SchemaOption } from './request-content.ts'
export type { RequestFacts, RequestHead } from './request-head.ts'
export type { RequestHeaders } from './request-headers.ts'
export { Request } from './request.ts'
export type { AnyParams, PrepareHook } from './request.ts'
export { empty, html, json, redirect, Response, text } from './response.ts'
export type { ResponseInit } from './response.ts'
export type { ResponseBody, StreamedBody, WholeBody } from './response-body.ts'
export { RouteKey, RouteMeta } from './route-meta.ts'
export type { RouteMetaEntry } from './route-meta.ts'
export type { RouteRegistrar } from './route-registrar.ts'
export { any, del, get, group, head, options, patch, post, put, query, route, Route } from './routes.ts'
export type { RouteDefinition, RouteOptions } from './routes.ts'
export { runApp } from './run-app.ts'
export type { RunAppOptions } from './run-app.ts'
export type { ObservedLayer, RunObserver } from './run-observer.ts'
export type { RunnerCounts } from './runner-counts.ts'
export type { AppRunnerOptions } from './runner-options.ts'
export type { ServerSentEvent } from './server-sent-event.ts'
export { StaticFiles, staticFiles } from './static-files.ts'
export type { StaticOptions } from './static-files.ts'
export { StreamResponse } from './stream-response.ts'
export { Signal } from './signal.ts'
export type { Receiver } from './signal.ts'
export { AppKey, RequestKey, stateEntry } from './state.ts'
export type { AppState, ReadonlyState, RequestState, StateEntry } from './state.ts'
export type { TaskTrace } from './task-trace.ts'
export { TaskAborted } from './tasks.ts'
export type { SpawnOptions, Task, Tasks, TasksOptions, TaskWork } from './tasks.ts'
export { tracing } from './tracing.ts'
export type { LayerTrace, RequestTrace, RouteTrace, WebSocketTrace } from './tracing.ts'
export type { TlsOptions } from './tls.ts'
export type { Trailers } from './trailers.ts'
export type { UpgradedConnection } from './pending-upgrade.ts'
export { UpgradeResponse } from './upgrade-response.ts'
export { UploadedFile } from './uploaded-file.ts'
export { UsageError } from './usage-error.ts'
export type { UsageErrorCode } from './usage-error.ts'
export { ValidationError } from './validation.ts'
export type { ValidationIssue } from './validation.ts'
export { View } from './view.ts'
export type { ViewClass } from './view.ts'
export type { LeftFile } from './temporary-files.ts'
