import type { AddressInfo } from 'node:net'

import Router from '@koa/router'
import Koa from 'koa'

import { reportListening } from '../../servers/report.ts'
import { otherPaths, PATH, readSize } from '../sized-app.ts'

const size = readSize()
const app = new Koa()
for (let i = 0; i < size.middlewares; i++) app.use(async (_context, next) => void (await next()))
const router = new Router()
for (const path of otherPaths(size)) router.get(path, context => void (context.body = context.path))
router.get(PATH, context => void (context.body = `part of ${context.params['id']}`))
app.use(router.routes())
const server = app.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))
