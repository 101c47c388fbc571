/**
 * The params that a path gives, read from its literal: `PathParams<'/users/:id/:page?'>` is
 * `{ readonly id: string; readonly page?: string }`, and a wildcard is `'*'`. Of a path that is only known as `string`
 * nothing is known: any name may be there.
 */
export type PathParams<Path extends string> = string extends Path
  ? Readonly<Record<string, string>>
  : Flatten<
      { readonly [Name in RequiredName<ParamNames<Path>>]: string } & {
        readonly [Name in OptionalName<ParamNames<Path>>]?: string
      }
    >

/** What a param can be given as: the URL holds its decimal or textual form. */
export type UrlParamValue = string | number | bigint

/**
 * The params that a URL of the path is built from; superfluous and misspelt ones do not compile. The wildcard `'*'`
 * takes text in the path form, in which slashes separate segments, or a list of segments with no character to avoid.
 */
export type UrlParams<Path extends string> = string extends Path
  ? Readonly<Record<string, UrlParamValue | readonly UrlParamValue[] | undefined>>
  : [ParamNames<Path>] extends [never]
    ? Readonly<Record<string, never>>
    : Flatten<
        { readonly [Name in RequiredName<ParamNames<Path>>]: UrlParam<Name> } & {
          readonly [Name in OptionalName<ParamNames<Path>>]?: UrlParamValue | undefined
        }
      >

type UrlParam<Name extends string> = Name extends '*'
  ? UrlParamValue | readonly UrlParamValue[]
  : UrlParamValue

type Flatten<Type> = { [Key in keyof Type]: Type[Key] }

type RequiredName<Names extends string> = Names extends `${string}?` ? never : Names
type OptionalName<Names extends string> = Names extends `${infer Name}?` ? Name : never

// '/a/:x-:y(\\d+)/:z?' -> 'x' | 'y' | 'z?'
type ParamNames<Path extends string> = string extends Path
  ? string
  : Path extends `${string}:${infer Rest}`
    ? Rest extends `:${infer AfterColons}`
      ? ParamNames<AfterColons>
      : NamesFrom<Rest, Until<Until<Until<Until<Until<Rest, '/'>, '('>, '-'>, '.'>, '?'>>
    : Path extends `${string}/*`
      ? '*'
      : never

// A name at the head of the rest, then perhaps a regex, then perhaps '?' at the very end.
type NamesFrom<Rest extends string, Name extends string> = string extends Name
  ? string
  : Rest extends `${Name}(${infer Inside}`
    ? NamesAfter<Name, AfterGroup<Inside>>
    : Rest extends `${Name}${infer Tail}`
      ? NamesAfter<Name, Tail>
      : never

type NamesAfter<Name extends string, Tail extends string> = Tail extends '?'
  ? `${Name}?`
  : Name | ParamNames<Tail>

type Until<Text extends string, Stop extends string> = Text extends `${infer Head}${Stop}${string}`
  ? Head
  : Text

// What follows the ')' that closes a regex: '(?:a|b))/c' -> '/c'. A parenthesis after a backslash does not count.
type AfterGroup<
  Text extends string,
  Open extends unknown[] = [],
> = Text extends `${infer Inside})${infer Tail}`
  ? Inside extends `${string}\\`
    ? AfterGroup<Tail, [...Open, ...Opened<Inside>]>
    : [...Open, ...Opened<Inside>] extends [unknown, ...infer StillOpen]
      ? AfterGroup<Tail, StillOpen>
      : Tail
  : ''

type Opened<Text extends string> = Text extends `${infer Before}(${infer After}`
  ? Before extends `${string}\\`
    ? Opened<After>
    : [unknown, ...Opened<After>]
  : []
