import t from 'tap'

import { canonicalAddress, nodeAddress, unmapped } from './ip-address.ts'

t.test('canonicalAddress', t => {
  t.test('gives each address one spelling (P36)', t => {
    const spellings: Record<string, string | undefined> = {
      '192.0.2.1': '192.0.2.1',
      '::FFFF:192.0.2.1': '192.0.2.1',
      '::ffff:c000:201': '192.0.2.1',
      '0:0:0:0:0:FFFF:C000:0201': '192.0.2.1',
      '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
      '2001:0db8::0001': '2001:db8::1',
      '0:0:0:0:0:0:0:1': '::1',
      '::ffff:1:2:3': '::ffff:1:2:3',
      '::1.2.3.4': '::1.2.3.4',
    }
    for (const [text, address] of Object.entries(spellings)) t.equal(canonicalAddress(text), address, text)
    t.end()
  })

  t.test('refuses what other parsers would take for an address', t => {
    for (const text of [
      '',
      '1.2.3',
      '01.2.3.4',
      '0x7f.0.0.1',
      '2130706433',
      '1.2.3.4 ',
      'fe80::1%eth0',
      '[::1]',
      ':::',
    ]) {
      t.equal(canonicalAddress(text), undefined, text)
    }
    t.end()
  })

  t.end()
})

t.test('unmapped leaves everything alone but a mapped IPv4 address', t => {
  t.equal(unmapped('::ffff:10.0.0.1'), '10.0.0.1')
  for (const address of ['10.0.0.1', '::1', 'fe80::1%eth0', '::ffff:0:1']) t.equal(unmapped(address), address)
  t.end()
})

t.test('nodeAddress', t => {
  t.test('finds the address with or without a port, by number or obfuscated', t => {
    const nodes: Record<string, string> = {
      '192.0.2.1': '192.0.2.1',
      '192.0.2.1:4711': '192.0.2.1',
      '192.0.2.1:_port': '192.0.2.1',
      '[2001:DB8::1]': '2001:db8::1',
      '[2001:db8::1]:4711': '2001:db8::1',
      '[::ffff:192.0.2.1]:80': '192.0.2.1',
      '2001:db8::1': '2001:db8::1',
    }
    for (const [node, address] of Object.entries(nodes)) t.equal(nodeAddress(node), address, node)
    t.end()
  })

  t.test('finds none in identifiers that hide it, and in what is no node', t => {
    const nodes = [
      'unknown',
      '_hidden',
      '_hidden:80',
      'unknown:80',
      '',
      'host.example',
      '1.2.3.4:',
      '1.2.3.4:123456',
    ]
    for (const node of [
      ...nodes,
      '[1.2.3.4]',
      '[::1',
      '::1]',
      '[]',
      '[::1]80',
      '1.2.3.4:80:80',
      '1.2.3.4.5',
    ]) {
      t.equal(nodeAddress(node), undefined, node)
    }
    t.end()
  })

  t.end()
})
