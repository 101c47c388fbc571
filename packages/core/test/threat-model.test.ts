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

t.test('every promise is in the threat model', async t => {
  const model = read('docs/explanation/threat-model.md')

  for (let number = 1; number <= 54; number++)
    t.match(model, new RegExp(`\\*\\*[^*]+\\((?:P\\d+, )*P${number}\\b[^*]*\\*\\*`))
})
