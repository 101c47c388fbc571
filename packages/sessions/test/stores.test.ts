import { testSessionStore } from '@allium/sessions/store-contract'
import t from 'tap'

import { stores } from './stores.ts'

for (const tested of stores) {
  void t.test(tested.name, { skip: tested.skip }, async t => {
    const store = await tested.create(t)
    testSessionStore(
      (name, run) => void t.test(name, run),
      () => store,
    )
  })
}
