const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)'
const FORMS = [
  // Sun, 06 Nov 1994 08:49:37 GMT: the only one that is written
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`,
  ),
  // Sun Nov  6 08:49:37 1994
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
]

/**
 * Writes a moment as header fields have it, `Sun, 06 Nov 1994 08:49:37 GMT`: to the second, the rest is cut off
 * (RFC 9110 §5.6.7).
 *
 * @throws RangeError for an invalid date, or one before the year 0 or after 9999
 */
export function serializeHttpDate(date: Date): string {
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) {
    throw new RangeError(
      `Cannot write ${String(date.getTime())} as an HTTP date: it is no date of the years 0 to 9999`,
    )
  }
  return date.toUTCString()
}

/**
 * Reads a date of a header field, in the form of today or one of the two obsolete ones (RFC 9110 §5.6.7).
 *
 * @param now decides the century of a year of two digits: at most 50 years ahead
 * @returns `undefined` for anything else, such as a 30th of February; the name of the day is not checked
 */
export function parseHttpDate(text: string, now: Date = new Date()): Date | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups
    if (parts) return toDate(parts, now)
  }
  return undefined
}

function toDate(parts: Readonly<Record<string, string>>, now: Date): Date | undefined {
  const [year, day, hour, minute, second] = ['year', 'day', 'hour', 'minute', 'second'].map(name => {
    return Number(parts[name])
  }) as [number, number, number, number, number]
  const month = MONTHS.indexOf(parts['month']!)
  if (hour > 23 || minute > 59 || second > 60) return undefined // 60: a leap second, which becomes the next one

  const date = new Date(0)
  date.setUTCFullYear(parts['year']!.length === 2 ? fullYear(year, now) : year, month, day)
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined
  date.setUTCHours(hour, minute, second)
  return date
}

function fullYear(year: number, now: Date): number {
  const current = now.getUTCFullYear()
  const full = current - (current % 100) + year
  return full > current + 50 ? full - 100 : full
}
