// Hocuspocus as its documentation starts it, without any extension: `node server.mjs PORT`.
import { Server } from '@hocuspocus/server'

const port = Number(process.argv[2])
await new Server({ address: '127.0.0.1', port, quiet: true }).listen()
