import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import t from 'tap'

/** A file of the repository; compiled tests stand in packages/core/dist/test. */
function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../../${path}`, import.meta.url)), 'utf8')
}

t.test('every test that the threat model names exists', async t => {
  const model = read('docs/explanation/threat-model.md').replace(/\s+/g, ' ')
  const claims = [...model.matchAll(/`(packages\/[\w./-]+\.test\.ts)`: ((?:"[^"]+",? ?)+)/g)]

  for (const [, file, list] of claims) {
    const source = read(file!)
    for (const [, name] of list!.matchAll(/"([^"]+)"/g))
      t.ok(source.includes(`'${name}'`), `${file}: ${name}`)
  }

  t.ok(claims.length > 40)
})

t.test(
  'every promise about requests, paths, answers, errors, proxies and lifecycle is in the threat model',
  async t => {
    const model = read('docs/explanation/threat-model.md')
    const promises = [
      ...Array.from({ length: 18 }, (_, i) => i + 1),
      32,
      33,
      34,
      35,
      36,
      49,
      50,
      51,
      52,
      53,
      54,
    ]

    for (const number of promises)
      t.match(model, new RegExp(`\\*\\*[^*]+\\((?:P\\d+, )*P${number}\\b[^*]*\\*\\*`))
  },
)
