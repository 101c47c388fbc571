import t from 'tap'

import { fileType } from './file-type.ts'

t.test('the type of a file goes by its extension, text is UTF-8 (P27)', async t => {
  const table: [string, string][] = [
    ['/a/index.html', 'text/html; charset=utf-8'],
    ['/a/app.mjs', 'text/javascript; charset=utf-8'],
    ['style.CSS', 'text/css; charset=utf-8'],
    ['data.json', 'application/json; charset=utf-8'],
    ['app.webmanifest', 'application/manifest+json; charset=utf-8'],
    ['logo.svg', 'image/svg+xml'],
    ['font.woff2', 'font/woff2'],
    ['favicon.ico', 'image/vnd.microsoft.icon'],
    ['clip.mp4', 'video/mp4'],
    ['backup.tar.gz', 'application/gzip'],
    ['/a.html/README', 'application/octet-stream'],
    ['html', 'application/octet-stream'],
    ['.html', 'application/octet-stream'],
    ['x.', 'application/octet-stream'],
    ['x.constructor', 'application/octet-stream'],
    ['x.__proto__', 'application/octet-stream'],
    ['x.html\u0000', 'application/octet-stream'],
  ]
  for (const [path, type] of table) t.equal(await fileType(path), type, path)
})
