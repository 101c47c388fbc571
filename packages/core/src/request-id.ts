import { RequestKey } from './state.ts'

/** The id of a request, once `requestId` has run: `request.state.get(requestIdKey)`. */
export const requestIdKey: RequestKey<string> = new RequestKey('request id')
