// What an address set does when it takes over and is followed, played through before there is one: V8 compiles code when it runs
// for the first time, and of a backup this has never run: 3.5 ms instead of 1.3 until its adverts and announcements have left.
// Its idea: the set is a real one of both families, and so are the bytes that it makes and the calls by which they leave; its
// NIC is one that the kernel does not have. Left out: what the rtnl process does (rtnl-work.ts).

import { parseIp, parseMac } from '../base/addresses.ts'
import { SyscallError } from '../sys/syscall.ts'
import { AddressSet } from './address-set.ts'
import { advertFrame, type FrameSocket } from './advert-port.ts'
import { composeAdvert } from './compose.ts'
import { type MemberSpec, routerOf } from './members.ts'
import { NOWHERE } from './nic-view.ts'
import type { Held } from './rtnl-client.ts'
import type { SetHost } from './set-host.ts'
import type { SetSpec } from './spec.ts'

/** ROUNDS: of backup, active and backup again; more make no difference. */
const ROUNDS = 5
const ADVERT_MS = 10

/** Addresses for documentation (RFC 5737, RFC 3849); those of IPv6 are link-local. */
const PRIMARY = { 4: parseIp('192.0.2.1'), 6: parseIp('fe80::1') } as const
const PEER = { 4: parseIp('192.0.2.2'), 6: parseIp('fe80::2') } as const
const GROUP = { 4: parseIp('224.0.0.18'), 6: parseIp('ff02::12') } as const
const MAC = parseMac('02:00:00:00:00:01')

const SPEC: SetSpec = {
  ...{ name: 'rehearsal', vrid: 1, version: 3, priority: 100, advertMs: ADVERT_MS },
  ...{ preempt: true, preemptDelayMs: 0, accept: true, checksum: 'rfc5798', mac: 'interface', track: [] },
  announce: { repeatMs: 5000, refreshMs: 0 },
  networks: [{ name: 'lan', nic: 'nowhere', addresses: ['192.0.2.3/24', '2001:db8::3/64'] }],
}

/** Stage: what is real of it. */
export interface Stage {
  readonly frames: Pick<FrameSocket, 'send'>
  readonly isRouter: SetHost['isRouter']
}

/** rehearse: takes some 20 ms; nothing is sent, and the kernel's word counts for nothing. */
export function rehearse({ frames, isRouter }: Stage): void {
  let now = 0
  const send = (frame: Uint8Array): boolean => {
    try {
      return frames.send(frame, NOWHERE)
    } catch (error) {
      // ENXIO, if nothing else.
      if (error instanceof SyscallError) return true
      throw error
    }
  }
  const numbers = { begin: () => undefined, next: () => ({ boot: 1, sequence: 1n }) }
  const view = { name: 'nowhere', index: NOWHERE, mac: MAC, isUsable: true, primary: PRIMARY }
  const answers: ((how: Held) => void)[] = []
  const set = new AddressSet(SPEC, false, {
    rtnl: {
      hold: (_, done) => void answers.push(done),
      release: () => undefined,
      clear: () => undefined,
    },
    now: () => now,
    isKnown: () => true,
    nic: () => view,
    port: () => ({ send: (outgoing) => send(advertFrame(outgoing)) }),
    sendFrame: send,
    isRouter: () => isRouter('lo'),
    numbers,
    onRole: () => undefined,
    onFinding: () => undefined,
  })
  const hear = (member: MemberSpec): void => {
    const [source, destination] = [PEER[member.family], GROUP[member.family]]
    const sender = { router: routerOf(SPEC, member, 200, source), form: SPEC.checksum, password: undefined }
    const signature = { key: { id: 1, secret: new Uint8Array(32) }, number: numbers.next() }
    composeAdvert(sender, 200, destination, signature)
    const bytes = composeAdvert(sender, 200, destination)
    set.receive(member, { source, destination, ttl: 255, bytes })
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const member of set.members) hear(member)
    // Three intervals and a Skew_Time of silence make it active, and then it has one to send an advert.
    for (const end = now + 5 * ADVERT_MS; now < end; now = Math.max(now + 1, set.nextAt() ?? end)) {
      set.tick()
      for (const answer of answers.splice(0)) answer({ kind: 'held', unrouted: [] })
    }
  }
  set.leave('the rehearsal is over')
}
