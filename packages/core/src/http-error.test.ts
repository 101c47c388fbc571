import t from 'tap'

import * as errors from './http-error.ts'

t.test('HttpError', t => {
  t.test('has one class for each status, named after it', t => {
    const { HttpError, HttpMethodNotAllowed, HttpContentTooLarge, HttpUnavailableForLegalReasons, ...plain } =
      errors
    const statuses = Object.entries(plain).map(([name, errorClass]) => {
      const error = new errorClass('why', { headers: { 'x-a': 'b' } })
      t.equal(error.name, name)
      t.equal(error.message, 'why')
      t.equal(error.headers.get('x-a'), 'b')
      return error.status
    })

    t.equal(new Set(statuses).size, 36)
    t.equal(new HttpError(418).status, 418)
    t.equal(new HttpMethodNotAllowed('GET', ['PUT', 'POST', 'PUT']).headers.get('allow'), 'POST, PUT')
    t.equal(new HttpContentTooLarge(5).limit, 5)
    t.equal(new HttpUnavailableForLegalReasons().headers.has('link'), false)
    const blocked = new HttpUnavailableForLegalReasons(new URL('https://a.example/'))
    t.equal(blocked.headers.get('link'), '<https://a.example/>; rel="blocked-by"')
    t.end()
  })

  t.test("takes the status' own phrase when no message is given, and keeps its cause", t => {
    const cause = new Error('db')

    t.equal(new errors.HttpNotFound().message, 'Not Found')
    t.equal(new errors.HttpUnprocessableContent().message, 'Unprocessable Content')
    t.equal(new errors.HttpError(599).message, 'Error')
    t.equal(new errors.HttpNotFound('x', { cause }).cause, cause)
    t.end()
  })

  t.test('refuses a status that is no error', t => {
    t.throws(() => new errors.HttpError(200), RangeError)
    t.throws(() => new errors.HttpError(404.5), RangeError)
    t.end()
  })

  t.end()
})
