import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

const folder = fileURLToPath(new URL('..', import.meta.url))
const files = ['Dockerfile', ...list('nginx'), ...list('systemd'), ...list('kubernetes')]
const texts = files.map(file => unindent(readFileSync(join(folder, file), 'utf8')))

t.test('every listing of a guide is part of a tested file', async t => {
  for (const guide of ['nginx', 'systemd', 'docker', 'kubernetes']) {
    const listings = listingsOf(readFileSync(join(folder, `../../docs/guides/${guide}.md`), 'utf8'))
    t.ok(listings.length > 0, guide)
    for (const listing of listings)
      t.ok(
        texts.some(text => text.includes(unindent(listing))),
        `${guide}: ${listing}`,
      )
  }
})

function listingsOf(guide: string): string[] {
  const blocks = guide.matchAll(/^```(?:nginx|ini|dockerfile|yaml)\n([^]*?)^```$/gm)
  return Array.from(blocks, ([, listing = '']) => listing)
}

/** Part of a manifest stands further to the left in a guide. */
function unindent(text: string): string {
  return text.replace(/^ +/gm, '')
}

function list(name: string): string[] {
  return readdirSync(join(folder, name)).map(file => join(name, file))
}
