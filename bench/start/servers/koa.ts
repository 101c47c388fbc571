import Router from '@koa/router'
import Koa from 'koa'

import { reportStart } from '../report-start.ts'

const app = new Koa()
const router = new Router()
router.get('/', context => void (context.body = 'hello'))
app.use(router.routes())
app.listen(0, '127.0.0.1', reportStart)
