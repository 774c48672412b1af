// What happens to a virtual router, and what is to be done about it: the machine's words (machine.ts). An instance
// executes effects in two lines, each in its order: what goes to the link (`send`), and what is done on this node (`take`,
// `leave`, `announce`). Adverts never wait for a `take`, however long it takes: the instance goes on stepping. What is taken is
// announced when it is there (set-addresses.ts). A `leave` follows the `send` before it, where the kernel had no room that is
// tried again (unsent.ts); where another node follows in order it comes a moment later (linger.ts). Where
// addresses cannot be taken, or no advert could be sent for three intervals, the answer is a `shutdown`: others have taken
// over, or are about to.

import type { Ip } from '../base/addresses.ts'
import type { Finding } from './finding.ts'

/** Heard: an advert that may count (receive.ts). */
export interface Heard {
  readonly from: Ip
  readonly priority: number
  readonly adverMs: number
}

export type Event =
  /** RFC 9568 6.4.1. */
  | { readonly kind: 'startup' }
  /** As startup, of a router whose set was active here until now, as another one: at once, since nobody else is. */
  | { readonly kind: 'succeed' }
  /** The node leaves, or may not have the role (a fault that is tracked, addresses that cannot be added). */
  | { readonly kind: 'shutdown'; readonly why: string }
  /** Time has passed: hand it in at nextAt(), after all adverts that wait. `mayTake`: false while a group waits. */
  | { readonly kind: 'tick'; readonly mayTake: boolean }
  | ({ readonly kind: 'advert' } & Heard)
  /** Parameters have changed, `addresses` among them or not. */
  | { readonly kind: 'changed'; readonly addresses: boolean }
  /** An operator, or the group, gives the role up. For `holdMs` nobody is preempted. */
  | { readonly kind: 'yield'; readonly why: string; readonly holdMs: number }
  /** The group has taken over, this router with it. */
  | { readonly kind: 'join' }
  | { readonly kind: 'finding'; readonly finding: Finding; readonly from: Ip }

export type RoleName = 'initialize' | 'backup' | 'active'

/** Why: what a role changed of. */
export type Why =
  | { readonly name: 'startup' | 'silence' | 'preempted' | 'other-left' | 'overslept' | 'group' }
  | { readonly name: 'owner' }
  /** The set became another one, and was active here before. */
  | { readonly name: 'succeeded' }
  /** Somebody with more right to it is active. */
  | { readonly name: 'higher'; readonly from: Ip; readonly priority: number }
  | { readonly name: 'shutdown' | 'yield'; readonly text: string }

export type Effect =
  /** An advert with this priority, now. */
  | { readonly kind: 'send'; readonly priority: number }
  /** Addresses, and with them their connected routes; defence and tables are there. `accept`: this node's kernel answers on them. */
  | { readonly kind: 'take'; readonly accept: boolean }
  /** Addresses away, at once or a moment later. */
  | { readonly kind: 'leave' }
  /** Gratuitous ARP or unsolicited NA for every address. */
  | { readonly kind: 'announce'; readonly why: 'took' | 'given' | 'repeat' | 'refresh' | 'conflict' }
  | { readonly kind: 'role'; readonly from: RoleName; readonly to: RoleName; readonly why: Why }
  /** `left`: how many like it were not told since the last one. */
  | {
      readonly kind: 'report'
      readonly finding: Finding
      readonly from: Ip | undefined
      readonly left: number
    }
