import t from 'tap'

import { gateInflation, limitMessages } from './ws-internals.ts'
import type { RawWebSocket } from './ws-server.ts'

t.test('another version of the library is refused in words, instead of limiting nothing', async t => {
  const plain = { _receiver: {} } as unknown as RawWebSocket
  const inflating = {
    _receiver: { _maxPayload: 1 },
    _extensions: { 'permessage-deflate': { _maxPayload: 1 } },
  } as unknown as RawWebSocket

  t.throws(() => limitMessages(plain, 1000), /this version of "ws" is made otherwise/)
  t.throws(() => gateInflation(inflating, go => go()), /this version of "ws" is made otherwise/)
})

t.test('where nothing is compressed there is nothing to hold back', async t => {
  const webSocket = { _receiver: { _maxPayload: 1 } } as unknown as RawWebSocket

  gateInflation(webSocket, () => t.fail('nothing is inflated'))
  limitMessages(webSocket, 1000)

  t.strictSame(webSocket, { _receiver: { _maxPayload: 1000 } })
})
