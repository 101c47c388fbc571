import { frame } from './raw-frames.ts'

/** One case of the Autobahn test suite's list: what a client sends, and what has to come back. */
export interface ConformanceCase {
  /** As the list has it. */
  readonly id: string
  /** Written one after another. */
  readonly writes: readonly Buffer[]
  /** Messages and pongs that come back, in order: each its opcode and payload. */
  readonly answers: readonly (readonly [opcode: number, payload: Buffer])[]
  /** Sent when all answers have come. Without it they may be missing: the end may overtake them. */
  readonly bye?: Buffer | undefined
  /** The code that the server closes with, `undefined` for a close frame without one. */
  readonly code: number | undefined
}

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10
const HELLO = Buffer.from('Hello, world!')
const BYE = frame({ opcode: CLOSE, payload: Buffer.from([3, 232]) })
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const

function text(payload: string | Buffer, flags = 8): Buffer {
  return frame({ opcode: TEXT, payload, flags, mask: MASK })
}

function more(payload: string | Buffer, flags = 8): Buffer {
  return frame({ opcode: 0, payload, flags, mask: MASK })
}

function ping(payload: string | Buffer = ''): Buffer {
  return frame({ opcode: PING, payload, mask: MASK })
}

function close(code: number, reason: string | Buffer = ''): Buffer {
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)])
  return frame({ opcode: CLOSE, payload })
}

/** The answers come, then both sides close with 1000. */
function passes(id: string, writes: readonly Buffer[], answers: ConformanceCase['answers']): ConformanceCase {
  return { id, writes, answers, bye: BYE, code: 1000 }
}

/** The server closes with this code. */
function fails(
  id: string,
  writes: readonly Buffer[],
  code: number,
  answers: ConformanceCase['answers'] = [],
): ConformanceCase {
  return { id, writes, answers, code }
}

function chop(bytes: Buffer, size = 1): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
}

function fragments(payload: Buffer, size: number, opcode = TEXT): Buffer {
  const parts = chop(payload, size)
  const frames = parts.map((part, i) =>
    frame({ opcode: i === 0 ? opcode : 0, flags: i === parts.length - 1 ? 8 : 0, payload: part, mask: MASK }),
  )
  return Buffer.concat(frames)
}

function framing(): ConformanceCase[] {
  return [TEXT, BINARY].flatMap((opcode, kind) => {
    const of = (size: number) => Buffer.alloc(size, opcode === TEXT ? '*' : 0xfe)
    const send = (payload: Buffer) => frame({ opcode, payload, mask: MASK })
    const whole = [0, 125, 126, 127, 128, 65_535, 65_536].map((size, i) =>
      passes(`1.${kind + 1}.${i + 1}`, [send(of(size))], [[opcode, of(size)]]),
    )
    return [...whole, passes(`1.${kind + 1}.8`, chop(send(of(65_536)), 997), [[opcode, of(65_536)]])]
  })
}

function pings(): ConformanceCase[] {
  const odd = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff])
  const long = Buffer.alloc(125, 0xfe)
  const pong = frame({ opcode: PONG, payload: 'unsolicited', mask: MASK })
  const ten = Array.from({ length: 10 }, (_, i) => Buffer.from(`payload-${i}`))
  const tenPongs = ten.map(payload => [PONG, payload] as const)
  return [
    passes('2.1', [ping()], [[PONG, Buffer.alloc(0)]]),
    passes('2.2', [ping(HELLO)], [[PONG, HELLO]]),
    passes('2.3', [ping(odd)], [[PONG, odd]]),
    passes('2.4', [ping(long)], [[PONG, long]]),
    fails('2.5', [ping(Buffer.alloc(126, 0xfe))], 1002),
    passes('2.6', chop(ping(long)), [[PONG, long]]),
    passes('2.7', [frame({ opcode: PONG, mask: MASK })], []),
    passes('2.8', [pong], []),
    passes('2.9', [pong, ping('ping')], [[PONG, Buffer.from('ping')]]),
    passes(
      '2.10',
      ten.map(payload => ping(payload)),
      tenPongs,
    ),
    passes(
      '2.11',
      ten.map(payload => ping(payload)).flatMap(one => chop(one)),
      tenPongs,
    ),
  ]
}

function reservedBits(): ConformanceCase[] {
  const odd = (opcode: number, bits: number) => frame({ opcode, flags: 8 | bits, payload: HELLO, mask: MASK })
  const echo = [[TEXT, HELLO]] as const
  return [
    fails('3.1', [odd(TEXT, 4)], 1002),
    fails('3.2', [Buffer.concat([text(HELLO), odd(TEXT, 2), ping()])], 1002, echo),
    fails('3.3', [text(HELLO), odd(TEXT, 3), ping()], 1002, echo),
    fails('3.4', [...chop(text(HELLO)), ...chop(odd(TEXT, 4)), ping()], 1002, echo),
    fails('3.5', [odd(BINARY, 5)], 1002),
    fails('3.6', [odd(PING, 6)], 1002),
    fails('3.7', [odd(CLOSE, 7)], 1002),
  ]
}

function opcodes(): ConformanceCase[] {
  return [3, 11].flatMap((first, kind) => {
    const odd = (step: number, payload: Buffer | string) =>
      frame({ opcode: first + step, payload, mask: MASK })
    const echo = [[TEXT, HELLO]] as const
    const id = `4.${kind + 1}`
    return [
      fails(`${id}.1`, [odd(0, '')], 1002),
      fails(`${id}.2`, [odd(1, HELLO)], 1002),
      fails(`${id}.3`, [text(HELLO), odd(2, ''), ping()], 1002, echo),
      fails(`${id}.4`, [text(HELLO), odd(3, HELLO), ping()], 1002, echo),
      fails(`${id}.5`, [...chop(text(HELLO)), ...chop(odd(4, '')), ping()], 1002, echo),
    ]
  })
}

function fragmentation(): ConformanceCase[] {
  const [a, b] = [text('fragment1', 0), more('fragment2')]
  const whole = [TEXT, Buffer.from('fragment1fragment2')] as const
  const pong = [PONG, Buffer.from('ping')] as const
  const five = [
    text('fragment1', 0),
    more('fragment2', 0),
    ping('pongme 1!'),
    more('fragment3', 0),
    more('fragment4', 0),
    ping('pongme 2!'),
    more('fragment5'),
  ]
  const answersOfFive = [
    [PONG, Buffer.from('pongme 1!')],
    [PONG, Buffer.from('pongme 2!')],
    [TEXT, Buffer.from('fragment1fragment2fragment3fragment4fragment5')],
  ] as const
  const stray = (flags: number) => [more('non-continuation payload', flags), text(HELLO)]
  return [
    fails('5.1', [frame({ opcode: PING, flags: 0, payload: 'a' }), more('b')], 1002),
    fails('5.2', [frame({ opcode: PONG, flags: 0, payload: 'a' }), more('b')], 1002),
    passes('5.3', [Buffer.concat([a, b])], [whole]),
    passes('5.4', [a, b], [whole]),
    passes('5.5', [...chop(a), ...chop(b)], [whole]),
    passes('5.6', [Buffer.concat([a, ping('ping'), b])], [pong, whole]),
    passes('5.7', [a, ping('ping'), b], [pong, whole]),
    passes('5.8', [...chop(a), ...chop(ping('ping')), ...chop(b)], [pong, whole]),
    fails('5.9', [Buffer.concat(stray(8))], 1002),
    fails('5.10', stray(8), 1002),
    fails(
      '5.11',
      stray(8).flatMap(one => chop(one)),
      1002,
    ),
    fails('5.12', [Buffer.concat(stray(0))], 1002),
    fails('5.13', stray(0), 1002),
    fails(
      '5.14',
      stray(0).flatMap(one => chop(one)),
      1002,
    ),
    fails('5.15', [a, b, more('fragment3', 0), text('fragment4')], 1002, [whole]),
    fails('5.16', [more('fragment1', 0), text('fragment2', 0), more('fragment3')], 1002),
    fails('5.17', [more('fragment1'), text('fragment2', 0), more('fragment3')], 1002),
    fails('5.18', [a, text('fragment2')], 1002),
    passes('5.19', five, answersOfFive),
    passes('5.20', [Buffer.concat(five)], answersOfFive),
  ]
}

/** What is valid of Markus Kuhn's UTF-8 decoder capability and stress test, by the numbers of the list. */
export const VALID_UTF8: readonly (readonly [id: string, hex: string])[] = [
  ['6.2', '48656c6c6f2dc2b540c39fc3b6c3a4c3bcc3a0c3a12d5554462d382121'],
  ['6.5', 'cebae1bdb9cf83cebcceb5'],
  ['6.6.2', 'cebae1bdb9'],
  ['6.6.5', 'cebae1bdb9cf83'],
  ['6.6.7', 'cebae1bdb9cf83cebc'],
  ['6.6.9', 'cebae1bdb9cf83cebcceb5'],
  ['6.6.11', 'cebae1bdb9cf83cebcceb5'],
  ['6.7.1', '00'],
  ['6.7.2', 'c280'],
  ['6.7.3', 'e0a080'],
  ['6.7.4', 'f0908080'],
  ['6.9.1', '7f'],
  ['6.9.2', 'dfbf'],
  ['6.9.3', 'efbfbf'],
  ['6.9.4', 'f48fbfbf'],
  ['6.11.1', 'ed9fbf'],
  ['6.11.2', 'ee8080'],
  ['6.11.3', 'efbfbd'],
  ['6.11.4', 'f48fbfbf'],
  ['6.22.1', 'efbfbe'],
  ['6.22.2', 'efbfbf'],
  ['6.22.3', 'f09fbfbe'],
  ['6.22.4', 'f09fbfbf'],
  ['6.22.33', 'f48fbfbe'],
  ['6.22.34', 'f48fbfbf'],
  ['6.23.1', 'efbfb9'],
  ['6.23.5', 'efbfbd'],
]
const INVALID: readonly (readonly [id: string, hex: string])[] = [
  ['6.3', 'cebae1bdb9cf83cebcceb5eda080656469746564'],
  ['6.6.1', 'ce'],
  ['6.6.3', 'cebae1'],
  ['6.6.4', 'cebae1bd'],
  ['6.6.6', 'cebae1bdb9cf'],
  ['6.6.8', 'cebae1bdb9cf83ce'],
  ['6.8.1', 'f888808080'],
  ['6.8.2', 'fc8480808080'],
  ['6.10.1', 'f7bfbfbf'],
  ['6.10.2', 'fbbfbfbfbf'],
  ['6.10.3', 'fdbfbfbfbfbf'],
  ['6.11.5', 'f4908080'],
  ['6.12.1', '80'],
  ['6.12.2', 'bf'],
  ['6.12.3', '80bf'],
  ['6.12.4', '80bf80'],
  ['6.12.5', '80bf80bf'],
  ['6.12.8', '808182838485868788898a8b8c8d8e8f'],
  ['6.13.1', 'c020c120c220c320c420c520c620c720'],
  ['6.13.2', 'e020e120e220e320e420e520e620e720'],
  ['6.13.3', 'f020f120f220f320f420f520f620f720'],
  ['6.13.4', 'f820f920fa20fb20'],
  ['6.13.5', 'fc20fd20'],
  ['6.14.1', 'c0'],
  ['6.14.2', 'e080'],
  ['6.14.3', 'f08080'],
  ['6.14.4', 'f8808080'],
  ['6.14.5', 'fc80808080'],
  ['6.14.6', 'df'],
  ['6.14.7', 'efbf'],
  ['6.14.8', 'f7bfbf'],
  ['6.14.9', 'fbbfbfbf'],
  ['6.14.10', 'fdbfbfbfbf'],
  ['6.15', 'c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf'],
  ['6.16.1', 'fe'],
  ['6.16.2', 'ff'],
  ['6.16.3', 'fefeffff'],
  ['6.17.1', 'c0af'],
  ['6.17.2', 'e080af'],
  ['6.17.3', 'f08080af'],
  ['6.17.4', 'f8808080af'],
  ['6.17.5', 'fc80808080af'],
  ['6.18.1', 'c1bf'],
  ['6.18.2', 'e09fbf'],
  ['6.18.3', 'f08fbfbf'],
  ['6.18.4', 'f887bfbfbf'],
  ['6.18.5', 'fc83bfbfbfbf'],
  ['6.19.1', 'c080'],
  ['6.19.2', 'e08080'],
  ['6.19.3', 'f0808080'],
  ['6.20.1', 'eda080'],
  ['6.20.2', 'edadbf'],
  ['6.20.3', 'edae80'],
  ['6.20.4', 'edafbf'],
  ['6.20.5', 'edb080'],
  ['6.20.6', 'edbe80'],
  ['6.20.7', 'edbfbf'],
  ['6.21.1', 'eda080edb080'],
  ['6.21.2', 'eda080edbfbf'],
  ['6.21.4', 'edadbfedbfbf'],
  ['6.21.8', 'edafbfedbfbf'],
]

function utf8(): ConformanceCase[] {
  const empty = [[TEXT, Buffer.alloc(0)]] as const
  const valid = VALID_UTF8.flatMap(([id, hex]) => {
    const bytes = Buffer.from(hex, 'hex')
    const answers = [[TEXT, bytes]] as const
    return [
      passes(id, [text(bytes)], answers),
      passes(`${id}, an octet per fragment`, [fragments(bytes, 1)], answers),
    ]
  })
  const invalid = INVALID.flatMap(([id, hex]) => {
    const bytes = Buffer.from(hex, 'hex')
    return [
      fails(id, [text(bytes)], 1007),
      fails(`${id}, an octet per fragment`, [fragments(bytes, 1)], 1007),
    ]
  })
  const start = Buffer.from('cebae1bdb9cf83cebcceb5', 'hex')
  const [beyond, rest] = [Buffer.from('f4908080', 'hex'), Buffer.from('656469746564', 'hex')]
  return [
    passes('6.1.1', [text('')], empty),
    passes('6.1.2', [text('', 0), more('', 0), more('')], empty),
    passes('6.1.3', [text('', 0), more('middle', 0), more('')], [[TEXT, Buffer.from('middle')]]),
    ...valid,
    ...invalid,
    fails('6.4.1', [text(start, 0), more(beyond, 0), more(rest)], 1007),
    fails(
      '6.4.2',
      [text(Buffer.concat([start, beyond.subarray(0, 3)]), 0), more(beyond.subarray(3), 0), more(rest)],
      1007,
    ),
    fails('6.4.3', chop(text(Buffer.concat([start, beyond, rest])), 11), 1007),
    fails('6.4.4', chop(text(Buffer.concat([start, beyond, rest]))), 1007),
  ]
}

function closing(): ConformanceCase[] {
  const echo = [[TEXT, HELLO]] as const
  const large = Buffer.alloc(256 * 1024, '*')
  const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
  const badCodes = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
  return [
    passes('7.1.1', [text(HELLO)], echo),
    { id: '7.1.2', writes: [close(1000), close(1000)], answers: [], code: 1000 },
    { id: '7.1.3', writes: [close(1000), ping()], answers: [], code: 1000 },
    { id: '7.1.4', writes: [close(1000), text(HELLO)], answers: [], code: 1000 },
    { id: '7.1.5', writes: [text('fragment1', 0), close(1000), more('fragment2')], answers: [], code: 1000 },
    { id: '7.1.6', writes: [text(large), close(1000), ping()], answers: [[TEXT, large]], code: 1000 },
    { id: '7.3.1', writes: [frame({ opcode: CLOSE })], answers: [], code: undefined },
    fails('7.3.2', [frame({ opcode: CLOSE, payload: 'a' })], 1002),
    fails('7.3.3', [close(1000)], 1000),
    fails('7.3.4', [close(1000, 'Hello World!')], 1000),
    fails('7.3.5', [close(1000, '*'.repeat(123))], 1000),
    fails('7.3.6', [close(1000, '*'.repeat(124))], 1002),
    fails('7.5.1', [close(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex'))], 1007),
    ...codes.map((code, i) => fails(`7.7.${i + 1}`, [close(code)], code)),
    ...badCodes.map((code, i) => fails(`7.9.${i + 1}`, [close(code)], 1002)),
    fails('7.13.1', [close(5000)], 1002),
    fails('7.13.2', [close(65_535)], 1002),
  ]
}

const KIB = 1024
const MIB = 1024 * KIB

function volume(): ConformanceCase[] {
  return [TEXT, BINARY].flatMap((opcode, kind) => {
    const of = (size: number) => Buffer.alloc(size, '*')
    const send = (payload: Buffer) => frame({ opcode, payload, mask: MASK })
    const sizes = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB]
    const pieces = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB]
    const small = [0, 16, 64, 256, KIB, 4 * KIB]
    return [
      ...sizes.map((size, i) => passes(`9.${kind + 1}.${i + 1}`, [send(of(size))], [[opcode, of(size)]])),
      ...pieces.map((size, i) =>
        passes(`9.${kind + 3}.${i + 1}`, [fragments(of(4 * MIB), size, opcode)], [[opcode, of(4 * MIB)]]),
      ),
      ...[64, 128, 256, 512, KIB, 2 * KIB].map((size, i) =>
        passes(`9.${kind + 5}.${i + 1}`, chop(send(of(MIB)), size), [[opcode, of(MIB)]]),
      ),
      ...small.map((size, i) =>
        passes(
          `9.${kind + 7}.${i + 1}`,
          [Buffer.concat(Array<Buffer>(1000).fill(send(of(size))))],
          Array<readonly [number, Buffer]>(1000).fill([opcode, of(size)]),
        ),
      ),
    ]
  })
}

/** The groups of the list that need no compression, by their numbers. */
export const GROUPS: Readonly<Record<string, readonly ConformanceCase[]>> = {
  '1 Framing': framing(),
  '2 Pings and pongs': pings(),
  '3 Reserved bits': reservedBits(),
  '4 Opcodes': opcodes(),
  '5 Fragmentation': fragmentation(),
  '6 UTF-8': utf8(),
  '7 Closing': closing(),
  '9 Limits and volume': volume(),
  '10 Many frames': [
    passes('10.1.1', [fragments(Buffer.alloc(65_536, '*'), 1300)], [[TEXT, Buffer.alloc(65_536, '*')]]),
  ],
}
