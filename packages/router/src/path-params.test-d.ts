import { Router, urlFor } from './index.ts'
import type { PathParams, Route, UrlParams } from './index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function assertType<Holds extends true>(): Holds

assertType<Equal<PathParams<'/users/:id'>, { readonly id: string }>>()
assertType<Equal<PathParams<'/users/:id/posts/:post'>, { readonly id: string; readonly post: string }>>()
assertType<Equal<PathParams<'/:x-:y'>, { readonly x: string; readonly y: string }>>()
assertType<Equal<PathParams<'/:name.:ext'>, { readonly name: string; readonly ext: string }>>()
assertType<Equal<PathParams<'/v:major.:minor/x'>, { readonly major: string; readonly minor: string }>>()
assertType<Equal<PathParams<'/:id(\\d+)'>, { readonly id: string }>>()
assertType<Equal<PathParams<'/:id((?:a|b)[^/]+)/:y'>, { readonly id: string; readonly y: string }>>()
assertType<Equal<PathParams<'/:id(\\(:x\\))-:y(a)/c'>, { readonly id: string; readonly y: string }>>()
assertType<Equal<PathParams<'/:x?'>, { readonly x?: string }>>()
assertType<Equal<PathParams<'/:id/:x(\\d+)?'>, { readonly id: string; readonly x?: string }>>()
assertType<Equal<PathParams<'/files/*'>, { readonly '*': string }>>()
assertType<Equal<PathParams<'/:user/*'>, { readonly user: string; readonly '*': string }>>()
assertType<Equal<PathParams<'/a::b/:c'>, { readonly c: string }>>()
assertType<Equal<keyof PathParams<'/static'>, never>>()
assertType<Equal<keyof PathParams<''>, never>>()
assertType<Equal<keyof PathParams<'/a?b'>, never>>()
assertType<Equal<PathParams<string>, Readonly<Record<string, string>>>>()
assertType<Equal<UrlParams<'/:x?'>, { readonly x?: string | number | bigint | undefined }>>()

const router = new Router<() => string>()
const show = router.add('GET', '/users/:id', () => '')
const list = router.add('GET', '/users', () => '')
const pages = router.add('GET', '/pages/:page?', () => '')
const files = router.add('GET', '/files/:volume(\\d+)/*', () => '')

show.url({ id: 42 })
show.url({ id: 42n }, { query: { page: 2, tag: ['a', 'b'], all: true, none: undefined } })
// @ts-expect-error the params are missing
show.url()
// @ts-expect-error a param is missing
show.url({})
// @ts-expect-error a param is misspelt
show.url({ ID: 42 })
// @ts-expect-error a param is superfluous
show.url({ id: 42, page: 1 })
// @ts-expect-error a param is neither text nor a number
show.url({ id: true })
// @ts-expect-error a list is for wildcards
show.url({ id: ['a'] })
// @ts-expect-error a query holds no objects
show.url({ id: 42 }, { query: { filter: {} } })

list.url()
list.url({})
list.url(undefined, { query: { page: 1 } })
// @ts-expect-error the path has no params
list.url({ id: 1 })

pages.url()
pages.url({})
pages.url({ page: 2 })
pages.url({ page: undefined })
// @ts-expect-error a param is misspelt
pages.url({ pages: 2 })

files.url({ volume: 1, '*': 'a/b' })
files.url({ volume: 1, '*': ['a', 'b'] })
// @ts-expect-error the wildcard is missing
files.url({ volume: 1 })

const routes: Route<() => string>[] = [show, list, pages, files]
routes[0]!.url({ id: 1 })
routes[0]!.value satisfies () => unknown

router.url('users.show', { id: 42, page: undefined }, { query: { a: 1 } })
urlFor('/users/:id', { id: 1 })
declare const somePath: string
urlFor(somePath, { id: 1 })
urlFor(somePath)
// @ts-expect-error a param is missing
urlFor('/users/:id', {})

const path: '/users/:id' = show.path
router.match('GET', path)?.params['id']?.toUpperCase()
// @ts-expect-error a value of another type
router.add('GET', '/x', 'text')
