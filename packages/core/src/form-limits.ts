/**
 * What a form may cost besides the body limit, which holds for all of it together. Whatever is over a limit is 413.
 * `Infinity` is no limit.
 */
export interface FormLimits {
  /** How many fields that are no files; default 1000. */
  readonly fields?: number | undefined
  /** How many files; default 100. */
  readonly files?: number | undefined
  /** Largest field that is no file, in bytes; default 1 MiB. */
  readonly fieldSize?: number | undefined
  /** All fields that are no files together, which `form()` keeps in memory, in bytes; default 1 MiB. */
  readonly fieldsSize?: number | undefined
  /** Largest file, in bytes; default `Infinity`: the body limit. */
  readonly fileSize?: number | undefined
  /** Longest name of a field, in bytes; default 256. */
  readonly nameLength?: number | undefined
  /** Header fields of one part; default 20. */
  readonly headersCount?: number | undefined
  /** Header fields of one part together, in bytes; default 8 KiB. */
  readonly headerSize?: number | undefined
}

/** Every limit, with its default where none was given. */
export type CompleteFormLimits = Readonly<Record<keyof FormLimits, number>>

const DEFAULT_LIMITS: CompleteFormLimits = {
  fields: 1000,
  files: 100,
  fieldSize: 1024 * 1024,
  fieldsSize: 1024 * 1024,
  fileSize: Infinity,
  nameLength: 256,
  headersCount: 20,
  headerSize: 8 * 1024,
}

/**
 * Puts the defaults in.
 *
 * @throws RangeError for a limit that is negative or no number
 */
export function completeLimits(limits: FormLimits | undefined): CompleteFormLimits {
  const complete: Record<string, number> = { ...DEFAULT_LIMITS }
  for (const [name, value] of Object.entries(limits ?? {}) as [string, number | undefined][]) {
    if (value === undefined) continue
    if (!(value >= 0)) throw new RangeError(`Cannot limit "${name}" to ${value}: it is not 0 or more`)
    complete[name] = value
  }
  return complete as CompleteFormLimits
}
