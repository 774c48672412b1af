// The process that looks at servers: `checker-process SOCKET STATES INSTANCE`. It goes on without main, and ends when main says so, by SIGTERM or
// SIGINT, or when another one has taken its place (the socket is another's).

import { statSync } from 'node:fs'
import { writeStderr } from '../sys/bounded-stderr.ts'
import { Reactor } from '../sys/reactor.ts'
import { CheckerService } from './checker-service.ts'
import { offspring } from './offspring.ts'
import { Turns } from './turns.ts'

const [socket, kept, instance] = process.argv.slice(2)
if (socket === undefined || kept === undefined || instance === undefined) {
  process.stderr.write('usage: checker-process SOCKET STATES INSTANCE\n')
  process.exit(2)
}
const end = (): void => {
  service[Symbol.dispose]()
  process.exit(0)
}
// Whatever scripts leave behind comes here.
offspring.adopt()
const reactor = new Reactor()
const service = new CheckerService({
  reactor,
  turns: new Turns(instance, reactor),
  socket,
  kept,
  onStop: end,
  log: (text) => writeStderr(JSON.stringify({ time: new Date().toISOString(), process: 'checker', text })),
})
await service.listen()
const own = statSync(socket).ino

process.on('SIGTERM', end)
process.on('SIGINT', end)
// Who started it may be gone, and its pipe with it.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})
setInterval(() => {
  // What is there now is another's: nothing is closed or kept, which would take it away.
  if (statSync(socket, { throwIfNoEntry: false })?.ino !== own) process.exit(0)
}, 1000)
