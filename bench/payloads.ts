import { fileURLToPath } from 'node:url'

/** 1 KiB of JSON that parsing and writing again leaves as it is. */
export const RECORD: string = JSON.stringify({
  id: 4711,
  name: 'Ada Lovelace',
  tags: ['analytical', 'engine', 'notes'],
  address: { city: 'London', zip: 'W1', position: [51.5074, -0.1278] },
  active: true,
  manager: null,
  text: 'x'.repeat(845),
})

/** What is 64 KiB of JSON when it is written. */
export const RECORDS: readonly object[] = Array.from({ length: 720 }, (_, id) => ({
  id,
  name: `customer ${id}`,
  email: `customer-${id}@example.org`,
  active: id % 3 > 0,
  balance: id * 1.25,
}))

/** The boundary of {@link FORM}. */
export const BOUNDARY = 'allium-bench-boundary'

const FILE = 'The quick brown fox jumps over the lazy dog. '.repeat(1457).slice(0, 64 * 1024)

/** A form as browsers send it, with a field and a file of 64 KiB. */
export const FORM: string = [
  `--${BOUNDARY}`,
  'Content-Disposition: form-data; name="title"',
  '',
  'A fox',
  `--${BOUNDARY}`,
  'Content-Disposition: form-data; name="file"; filename="fox.txt"',
  'Content-Type: text/plain',
  '',
  FILE,
  `--${BOUNDARY}--`,
  '',
].join('\r\n')

/** What a server says that has read {@link FORM}. */
export const FORM_READ: string = `A fox: fox.txt, ${FILE.length} bytes`

/** The folder of the files that are served; {@link fileText} says what is in them. */
export const FILES: string = fileURLToPath(new URL('../dist/files/', import.meta.url))

/** What is in a file of so many bytes. */
export function fileText(size: number): string {
  return '0123456789abcdef'.repeat(size / 16)
}

/** The row that the database is asked for. */
export const ROW: { id: number; name: string } = { id: 4711, name: 'Ada Lovelace' }

/** Asks a database for {@link ROW}. */
export const QUERY = 'select $1::int as id, $2::text as name'

/** Middlewares that the `params` scenario goes through. */
export const MIDDLEWARE_COUNT = 5

/** How long a slow handler takes, in milliseconds. */
export const SLOWNESS = 100

/** What sessions are sealed with. */
export const PASSWORD = 'a password for benches, with at least 32 characters'
