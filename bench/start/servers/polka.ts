import polka from 'polka'

import { reportStart } from '../report-start.ts'

const app = polka()
app.get('/', (_request, response) => response.end('hello'))
app.listen(0, '127.0.0.1', reportStart)
