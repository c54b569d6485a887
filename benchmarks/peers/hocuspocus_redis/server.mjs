// Hocuspocus with its Redis extension, as its documentation starts it:
// `node server.mjs PORT REDIS_PORT`.
import { Redis } from '@hocuspocus/extension-redis'
import { Server } from '@hocuspocus/server'

const [port, redisPort] = process.argv.slice(2).map(Number)
const extensions = [new Redis({ host: '127.0.0.1', port: redisPort })]
await new Server({ address: '127.0.0.1', port, quiet: true, extensions }).listen()
