import fc from 'fast-check'
import t from 'tap'

import { isHost } from './host.ts'

t.test('isHost', t => {
  t.test('takes names and addresses, with or without a port (P35)', t => {
    const hosts = [
      'a',
      'A.example',
      'a.example.',
      'a_b.example:8080',
      'xn--bcher-kva.example',
      '3com.example',
      'a:0',
    ]
    for (const host of [
      ...hosts,
      '127.0.0.1',
      '127.0.0.1:65535',
      '[::1]',
      '[::1]:80',
      '[::ffff:1.2.3.4]',
      '_a-b',
    ]) {
      t.equal(isHost(host), true, host)
    }
    t.end()
  })

  t.test('refuses whatever else a client may put there (P35)', t => {
    const hosts = [
      '',
      '.',
      'a..b',
      '.a',
      'a:',
      'a:b',
      'a:65536',
      'a:123456',
      'u@a',
      'a b',
      'a/b',
      'a,b',
      'a\\b',
      'a%2eb',
      '-a',
      'a-.b',
      'é',
    ]
    const numbers = [
      '127.1',
      '0x7f.1',
      '2130706433',
      '256.1.1.1',
      '1.2.3.4.5',
      '01.2.3.4',
      '1.2.3.4.',
      '0x',
      'a.0x',
    ]
    const others = [
      '[',
      '[]',
      '[::1',
      '::1',
      '[:::]',
      '[1.2.3.4]',
      '[::1%eth0]',
      '[::1]a',
      'xn--.a',
      'a'.repeat(300),
    ]
    for (const host of [...hosts, ...numbers, ...others]) t.equal(isHost(host), false, host)
    t.end()
  })

  t.test('takes only what means the same in a URL', t => {
    const label = fc.string({
      unit: fc.constantFrom('a', 'B', '0', '9', 'x', 'n', '-', '_', 'f'),
      maxLength: 6,
    })
    const name = fc.array(
      fc.oneof(
        label,
        label.map(text => `xn--${text}`),
        fc.nat(300).map(String),
      ),
      { maxLength: 5 },
    )
    const host = fc.tuple(name, fc.constantFrom('', '.', ':80', ':8080', ':99999', ':0'))

    fc.assert(
      fc.property(host, ([labels, rest]) => {
        const text = labels.join('.') + rest
        const [hostname] = text.split(':')
        return !isHost(text) || new URL(`http://${text}/`).hostname === hostname!.toLowerCase()
      }),
      { numRuns: 5000 },
    )
    t.end()
  })

  t.end()
})
