import { Buffer } from 'node:buffer'

import * as hapi from '@hapi/iron'
import { sealData, unsealData } from 'iron-session'
import * as iron from 'iron-webcrypto'
import t from 'tap'

import { seal, unseal } from './seal.ts'
import type { SealPasswords } from './seal.ts'

const password = 'a password of more than 32 characters'
const other = 'another password of 32 characters or more'
const value = { user: 7, name: 'Ada 🦊', list: [1, null, 'x'] }

void t.test('seal', async t => {
  t.test('makes what unseal opens', async t => {
    for (const sealed of [value, 'text', 0, null, [], 'x'.repeat(10_000)]) {
      t.same(unseal(seal(sealed, password), password), sealed)
    }
  })

  t.test('never makes the same twice, and shows nothing of what is in it', async t => {
    const [first, second] = [seal(value, password), seal(value, password)]

    t.not(first, second)
    t.match(first, /^Fe26\.2\*\*[\da-f]{64}\*[\w-]{22}\*[\w-]+\*\*[\da-f]{64}\*[\w-]{43}$/)
    t.notMatch(Buffer.from(first.split('*')[4]!, 'base64url').toString('latin1'), 'Ada')
  })

  t.test('refuses passwords that protect nothing, or cannot be told apart (P40)', async t => {
    for (const passwords of [
      '',
      'x'.repeat(31),
      [],
      [{ id: 'a b', secret: password }],
      [{ id: 'a', secret: 'short' }],
      [{ id: 'a', secret: undefined as unknown as string }],
      [
        { id: 'a', secret: password },
        { id: 'a', secret: other },
      ],
    ] as SealPasswords[]) {
      t.throws(() => seal(value, passwords), TypeError)
      t.throws(() => unseal('', passwords), TypeError)
    }
  })

  t.test('refuses what JSON has not, and times that are none', async t => {
    t.throws(() => seal(undefined, password), TypeError)
    t.throws(() => seal(() => {}, password), TypeError)
    for (const ttl of [0, -1, NaN]) t.throws(() => seal(value, password, { ttl }), RangeError)
  })
})

void t.test('unseal', async t => {
  t.test('gives nothing for a seal that has expired', async t => {
    const sealed = seal(value, password, { ttl: 1000, now: 5000 })

    t.same(unseal(sealed, password, { now: 5999 }), value)
    t.equal(unseal(sealed, password, { now: 6000 }), undefined)
    t.equal(unseal(sealed, password), undefined)
  })

  t.test('gives nothing for a seal that was changed in any place, cut or prolonged (P40)', async t => {
    const sealed = seal(value, password, { ttl: 10_000 })
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice(0, i) + (sealed[i] === 'A' ? 'B' : 'A') + sealed.slice(i + 1)
      if (unseal(changed, password) !== undefined) t.fail(`changed at ${i}`)
      if (unseal(sealed.slice(0, i), password) !== undefined) t.fail(`cut at ${i}`)
    }
    for (const text of [`${sealed}A`, `${sealed}*`, ` ${sealed}`, sealed.replace(/\*\d+\*/, '**')]) {
      t.equal(unseal(text, password), undefined)
    }
  })

  t.test('gives nothing for what is no seal, however long (P40)', async t => {
    for (const text of [
      '',
      '*',
      '*'.repeat(7),
      '*'.repeat(1e6),
      'Fe26.2',
      'Fe26.2*******',
      'a'.repeat(1e6),
      '\0',
      '~2',
    ]) {
      t.equal(unseal(text, password), undefined)
    }
  })

  t.test('gives nothing for another password, or one of another name', async t => {
    const sealed = seal(value, [{ id: 'a', secret: password }])

    t.equal(unseal(sealed, other), undefined)
    t.equal(unseal(sealed, [{ id: 'b', secret: password }]), undefined)
    t.equal(unseal(sealed, [{ id: 'a', secret: other }]), undefined)
    t.equal(unseal(seal(value, password), [{ id: 'a', secret: password }]), undefined)
  })

  t.test('opens by every password, and seals by the first', async t => {
    const before = [{ id: '1', secret: other }]
    const after = [{ id: '2', secret: password }, ...before]

    t.same(unseal(seal(value, before), after), value)
    t.match(seal(value, after), /^Fe26\.2\*2\*/)
    t.equal(unseal(seal(value, after), before), undefined)
  })

  t.test('gives nothing for nonsense that was sealed by who has the password', async t => {
    const encode = (text: string) => iron.seal(null, password, { ...iron.defaults, encode: () => text })
    t.same(unseal(await encode('{"a":1}'), password), { a: 1 })
    t.equal(unseal(await encode('{'), password), undefined)

    const sealed = await resign(seal(value, password), parts => (parts[4] = 'AAAA'))
    t.equal(unseal(sealed, password), undefined)
    for (const expiration of ['x', '-1', '0', '1e99', '9'.repeat(17)]) {
      t.equal(
        unseal(await resign(seal(value, password), parts => (parts[5] = expiration)), password),
        undefined,
      )
    }
  })
})

/** Changes a seal and signs it again, by the password. */
async function resign(sealed: string, change: (parts: string[]) => void): Promise<string> {
  const parts = sealed.split('*').slice(0, 6)
  change(parts)
  const signed = parts.join('*')
  const { salt, digest } = await iron.hmacWithPassword(password, iron.defaults.integrity, signed)
  return `${signed}*${salt}*${digest}`
}

void t.test('the format Fe26.2', async t => {
  const named = { id: 'k1', secret: password }

  t.test('is that of @hapi/iron, both ways', async t => {
    t.same(await hapi.unseal(seal(value, password, { ttl: 5000 }), password, hapi.defaults), value)
    t.same(await hapi.unseal(seal(value, [named]), { k1: password }, hapi.defaults), value)
    t.same(unseal(await hapi.seal(value, password, { ...hapi.defaults, ttl: 5000 }), password), value)
    t.same(unseal(await hapi.seal(value, named, hapi.defaults), [named]), value)
  })

  t.test('is that of iron-webcrypto, both ways', async t => {
    t.same(await iron.unseal(seal(value, password), password, iron.defaults), value)
    t.same(await iron.unseal(seal(value, [named]), { k1: password }, iron.defaults), value)
    t.same(unseal(await iron.seal(value, password, iron.defaults), password), value)
    t.same(unseal(await iron.seal(value, named, { ...iron.defaults, ttl: 5000 }), [named]), value)
  })

  t.test('is that of iron-session, both ways, but for the "~2" behind it', async t => {
    const passwords = [{ id: '1', secret: password }]

    t.same(await unsealData(`${seal(value, passwords)}~2`, { password }), value)
    t.same(unseal(await sealData(value, { password }), passwords), value)
    t.same(unseal(await sealData(value, { password }), password), value)
  })

  t.test('opens a seal that @hapi/iron made once', async t => {
    const sealed =
      'Fe26.2**0cdd607945dd1dffb7da0b0bf5f1a7daa6218cbae14cac51dcbd91fb077aeb5b*aOZLCKLhCt0D5IU1qLTtYw*g0ilNDlQ3TsdFUqJCqAm9iL7Wa60H7eYcHL_5oP136TOJREkS3BzheDC1dlxz5oJ**05b8943049af490e913bbc3a2485bee2aaf7b823f4c41d0ff0b7c168371a3772*R8yscVdTBRMdsoVbdDiFmUL8zb-c3PQLGJn4Y8C-AqI'
    const opened = unseal(sealed, 'some_not_random_password_that_is_also_long_enough')

    t.same(opened, { a: 1, b: 2, c: [3, 4, 5], d: { e: 'f' } })
  })
})
