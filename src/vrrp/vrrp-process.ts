// The process that has roles and addresses: `vrrp-process SOCKET KEPT COUNTER [SPEC]`. It goes on without main; SIGTERM,
// SIGINT or main's word make it give all roles up, with priority 0, and end; SIGUSR2, or that an upgrade has put another
// version in its place which it cannot talk with, too, but so that whoever started it starts another. With SPEC it does what that file says (spec.ts), again on SIGHUP, and needs no main at all. One process
// has a SOCKET; a second one ends at once.

import { readFileSync } from 'node:fs'
import { offspring } from '../health/offspring.ts'
import { writeStderr } from '../sys/bounded-stderr.ts'
import { holdFile } from '../sys/file-lock.ts'
import { Reactor } from '../sys/reactor.ts'
import { ServiceManager } from '../sys/service-manager.ts'
import { type FindingTold, type RoleChange, VRRP_PROTOCOL } from './protocol.ts'
import { vrrpSpecSchema } from './spec.ts'
import { standFirst } from './stand-first.ts'
import { VrrpServer } from './vrrp-server.ts'
import { VrrpService } from './vrrp-service.ts'

/** REPLACED: the exit status of one in whose place another is wanted: a failure, for a service manager (EX_TEMPFAIL). */
const REPLACED = 75

const [socket, kept, counter, specFile] = process.argv.slice(2)
if (socket === undefined || kept === undefined || counter === undefined) {
  process.stderr.write('usage: vrrp-process SOCKET KEPT COUNTER [SPEC]\n')
  process.exit(2)
}

const log = (fact: object): void => {
  writeStderr(JSON.stringify({ time: new Date().toISOString(), process: 'vrrp', ...fact }))
}
// Who started it may be gone, and its pipe with it.
process.stderr.on('error', () => {})

const lock = holdFile(`${kept}.lock`)
if (!lock) {
  log({ text: `another process has ${socket}` })
  process.exit(1)
}

// What tracked scripts leave behind is ended.
offspring.adopt()
const refused = standFirst()
const manager = ServiceManager.find()
const reactor = new Reactor()
// Nobody connects before it listens, and until then nothing of it is asked.
const server = new VrrpServer({
  socket,
  status: () => ({ sets: service.status(), problems: [...refused, ...service.problems()] }),
  onMessage: (message) => {
    if (message.kind === 'stop') void end()
    else service.obey(message)
  },
  log: (text) => log({ text }),
})
const service = new VrrpService({
  ...{ reactor, kept, counter },
  onRole: (change: RoleChange) => {
    log({ role: change })
    server.tellRole(change)
  },
  onFinding: (told: FindingTold) => {
    log({ finding: told })
    server.tellFinding(told)
  },
  onOther: (text) => {
    log({ text: `${text}: it gives all roles up, and another one is to be started` })
    void end(REPLACED)
  },
  log: (text) => log({ text }),
})
for (const text of refused) log({ text })

async function end(status = 0): Promise<void> {
  manager.stopping()
  await service.end()
  server[Symbol.dispose]()
  process.exit(status)
}

function readSpec(file: string): void {
  try {
    service.obey({
      v: VRRP_PROTOCOL,
      kind: 'spec',
      spec: vrrpSpecSchema.parse(JSON.parse(readFileSync(file, 'utf8'))),
    })
  } catch (error) {
    log({ text: `${file}: ${(error as Error).message}` })
  }
}

// A bug: others are to take over at once, not when they notice.
process.on('uncaughtException', (error) => {
  log({ text: error.stack ?? String(error) })
  try {
    service[Symbol.dispose]()
  } finally {
    process.exit(1)
  }
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end())
process.on('SIGUSR2', () => void end(REPLACED))
process.on('SIGHUP', () => specFile !== undefined && readSpec(specFile))
await server.listen()
if (specFile !== undefined) readSpec(specFile)
manager.ready('has the roles that it is told')
