import { Application } from './application.ts'
import { text } from './response.ts'
import { RouteKey } from './route-meta.ts'
import { AppKey } from './state.ts'
import type { RequestKey } from './state.ts'

const app = new Application()
const name = new AppKey<string>('name')
const count = new AppKey<number>('count')

app.state.set(name, 'x')
// @ts-expect-error the value is not of the key's type
app.state.set(count, 'x')
// @ts-expect-error keys of different values are different types
const wrong: AppKey<number> = name
// @ts-expect-error an application key is no request key
const other: RequestKey<string> = name
// @ts-expect-error metadata is typed by its key
new RouteKey<number>('n').with('x')

const user = app.get('/users/:id/:page?', ({ params }) => {
  const id: string = params.id
  const page: string | undefined = params.page
  // @ts-expect-error the path has no such param
  void params.name
  return text(id + (page ?? ''))
})

user.url({ id: 1 })
// @ts-expect-error the id is missing
user.url({})
// @ts-expect-error a misspelt param
user.url({ idd: 1 })
// @ts-expect-error a method cannot be taken off its request
app.post('/', ({ json }) => json().then(() => text('x'))) // eslint-disable-line @typescript-eslint/unbound-method -- as said

void wrong
void other
