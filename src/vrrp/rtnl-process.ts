// The process that asks the kernel for what takes its lock of links and addresses, for the vrrp process, which starts it and
// talks with it by descriptor 3: `rtnl-process RECORD`. It ends when vrrp has closed that, whatever signals come. What vrrp had
// not released then it releases when another node has taken over, where that is soon; else its time will be over. RECORD: of
// macvlans.

import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Line } from '../health/line.ts'
import type { WithoutVersion } from '../health/protocol.ts'
import { Connection } from '../netlink/connection.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { openTransport } from '../netlink/route-socket.ts'
import { bootMs } from '../sys/alarm.ts'
import { holdFile } from '../sys/file-lock.ts'
import { Reactor } from '../sys/reactor.ts'
import { NicWatch } from './nic-watch.ts'
import { type FromRtnl, RTNL_PROTOCOL, type ToRtnl, toRtnlSchema, toView } from './rtnl-protocol.ts'
import { RtnlWork } from './rtnl-work.ts'
import { standFirst } from './stand-first.ts'

const [record] = process.argv.slice(2)
if (record === undefined) {
  process.stderr.write('usage: rtnl-process RECORD\n')
  process.exit(2)
}

/** VRRP_FD: the talk with vrrp. */
const VRRP_FD = 3

// One that is left of a vrrp process that was killed may still be carrying out what that said last.
const lock = holdFile(`${record}.lock`)
if (!lock) process.exit(1)
// A service manager tells all processes of a service to end; vrrp needs this one to leave in order.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})
standFirst({ isReaped: true })
const network = new KernelNetwork(new Reactor())
const links = new Connection(openTransport())
const work = new RtnlWork({ network, links, record, now: bootMs })
const nics = new NicWatch({
  ...{ network, work, now: bootMs },
  onViews: (views) => vrrp.send({ kind: 'nics', views: views.map(toView), watched: [...work.watched] }),
  onBlind: (why) => vrrp.send({ kind: 'blind', why }),
  onGone: (set) => vrrp.send({ kind: 'gone', set }),
})

function obey(message: ToRtnl): void {
  switch (message.kind) {
    case 'begin':
      vrrp.send({ kind: 'began', texts: work.begin(message) })
      nics.see()
      work.rehearse()
      return
    case 'watch':
      work.watch(message)
      nics.see()
      return
    case 'hold':
      vrrp.send({ kind: 'held', id: message.id, set: message.set, ...work.hold(message) })
      return
    case 'release':
      work.release(message.set)
      return
    case 'clear':
      work.clear(message.members)
      return
    case 'look':
      vrrp.send({ kind: 'looked', seen: work.look(message.nics) })
      return
    default:
      message satisfies never
  }
}

const vrrp = new Line<ToRtnl, WithoutVersion<FromRtnl>>(new Socket({ fd: VRRP_FD }), {
  ...{ schema: toRtnlSchema, version: RTNL_PROTOCOL, onMessage: obey },
  onEnd: () => void end(),
})

/** end: what is held serves until another node does. */
async function end(): Promise<never> {
  const releases = work.orphaned().map(async ({ set, afterMs }) => {
    await delay(afterMs)
    work.release(set)
  })
  await Promise.all(releases)
  process.exit(0)
}
vrrp.send({ kind: 'hello' })
