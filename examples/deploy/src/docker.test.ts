import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { validate } from 'dockerfile-utils'
import t from 'tap'

const text = read('Dockerfile')
const stages = text.split(/^(?=FROM )/m)

t.test('the Dockerfile has no mistake', async t => {
  t.same(mistakesIn(text), [])
  t.same(mistakesIn('FROM node\nRNU npm ci\nCMD node'), ['Unknown instruction: RNU'])
})

t.test('what builds stays behind: the image is of the second stage', async t => {
  t.equal(stages.length, 2)
  t.match(stages[0], /npm ci\n/)
  t.notMatch(stages[1], /npm|COPY (?!--from=build)/)
})

t.test('the program runs as somebody who may do nothing, and gets its signals itself', async t => {
  t.match(stages[1], /^USER node$[^]*^CMD \[/m)
  t.notMatch(stages[1], /^COPY .*--chown/m, 'nor may it change its own files')
})

t.test('what is made on the machine does not get into the image', async t => {
  for (const name of ['node_modules', 'dist', '.git'])
    t.ok(read('.dockerignore').split('\n').includes(name), name)
})

function mistakesIn(content: string): string[] {
  return validate(content).map(({ message }) => (typeof message === 'string' ? message : message.value))
}

function read(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8')
}
