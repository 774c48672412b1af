// Every way out of the packet path, by name: the verdict it means and what it tells an operator. The order is
// the counters' order in memory: append only. docs/counters.md is generated from this list.

export type Verdict = 'pass' | 'drop' | 'tx' | 'redirect'

interface OutcomeText {
  readonly verdict: Verdict
  readonly meaning: string
}

const pass = (meaning: string): OutcomeText => ({ verdict: 'pass', meaning })
const drop = (meaning: string): OutcomeText => ({ verdict: 'drop', meaning })

/** outcomes: name -> verdict and meaning. Pass = to the node's kernel untouched. */
export const outcomes = {
  forwarded: { verdict: 'tx', meaning: 'sent to the server of its slot, or of the flow that it is about' },
  short: pass('shorter than Ethernet and IPv4 headers'),
  'not-ip': pass('ARP and all else that is not IPv4, nor IPv6 where a listener has it'),
  'other-host': pass(
    'IPv4 to a MAC that is not this interface’s: flooded or mirrored by the switch; or to a virtual router’s for which this node is backup',
  ),
  malformed: pass('IP version or header length that cannot be'),
  'other-protocol': pass(
    'VRRP and other protocols that no listener has; ICMP but for errors about a listener’s flows',
  ),
  'no-listener': pass('TCP or UDP to an address and port that are nobody’s listener'),
  fragment: drop('a later fragment for a service address whose first one was not seen'),
  truncated: drop('for a service address, but ends before its transport header does'),
  'bad-length': drop('for a listener, but its total length contradicts the frame or the headers'),
  ttl: drop('for a listener, but its TTL has run out; its sender was not told'),
  'no-server': drop('for a listener that has no usable server'),
  reset: { verdict: 'tx', meaning: 'of a TCP flow whose server has failed: its client was sent a RST' },
  'fragment-held': drop('the same, copied to the daemon, which runs it again a moment later'),
  'fragment-lost': drop('run again by the daemon, but the first fragment had still not come'),
  'tiny-fragment': drop('a fragment that hides a transport header, or starts within one'),
  'time-exceeded': { verdict: 'tx', meaning: 'for a listener, but its TTL has run out: its sender was told' },
  answered: { verdict: 'tx', meaning: 'nat: a server’s answer, sent to its client as the listener’s' },
  'no-room': drop('nat: a flow that could not be recorded: above the limit of new flows, or no room'),
  clash: drop('nat: another flow of the client’s address and port has the same server and port'),
  'fragment-copied': pass(
    'nat: a later fragment of a server that may be an answer’s, whose first has not come; the daemon runs a copy again',
  ),
  redirected: { verdict: 'redirect', meaning: 'sent to the server of its slot, by another interface' },
  'answer-redirected': {
    verdict: 'redirect',
    meaning: 'nat: a server’s answer, sent to its client as the listener’s, by another interface',
  },
  hairpin: drop(
    'of a server to a service that it would have to answer itself, from the address that it asks from; nat: of a client on its server’s own network, who would be answered past this node',
  ),
  turned: {
    verdict: 'redirect',
    meaning: 'a server’s answer to a check through a service address, taken to the checker',
  },
  'not-accepted': drop('to an address with `accept: false`, and nothing that a listener has'),
  denied: drop(
    'for a listener, of a source that a list denies, or that none allows where only those are taken',
  ),
  banned: drop('for a listener, of a source that is banned for a time'),
  rule: drop(
    'for a listener, matched by a signature rule that drops, or above what one lets through in a second',
  ),
  challenged: {
    verdict: 'tx',
    meaning: 'a SYN of a source that has to prove that it is real: it was asked to',
  },
  proven: drop('a RST that proves its source, which may connect from now on'),
  'source-limit': drop('for a listener, above what one source may send in a second'),
  'service-limit': drop('a SYN above the new flows that its service takes in a second'),
  'node-limit': drop('a SYN above the new flows that the node takes in a second'),
  untold: drop(
    'of a flow that another node may be about to tell of, as long as this one is active for nothing, or a role has just changed, and a second at most where its daemon is dead: nat: a server’s answer that the kernel would forward as it is; a client’s segment whose server nothing but its record tells',
  ),
} as const satisfies Record<string, OutcomeText>

export type OutcomeName = keyof typeof outcomes
/** outcomeNames: index = the counter's place in a block. */
export const outcomeNames = Object.keys(outcomes) as OutcomeName[]

/** toClient: those of frames that go to whoever asked, when they leave. */
export const toClient: ReadonlySet<OutcomeName> = new Set([
  ...(['answered', 'answer-redirected', 'reset', 'time-exceeded', 'challenged', 'turned'] as const),
])

/** defenceOutcomes: those that take a service that is defended. */
export const defenceOutcomes = [
  'denied',
  'banned',
  'rule',
  'challenged',
  'proven',
  'source-limit',
  'service-limit',
  'node-limit',
] as const satisfies readonly OutcomeName[]

/**
 * events: name -> what it tells. Counted beside outcomes, where flows are tracked: a packet may bring none or several.
 * The order is the counters' order in memory: append only.
 */
export const events = {
  'flow-hit': 'a packet whose flow has a record',
  'flow-miss': 'a packet whose flow should have a record and has none: new, or forgotten',
  'flow-insert': 'a record made for a flow that had none',
  'flow-evicted': 'a record overwritten though its flow was established and not idle: the table is too small',
  'flow-full': 'a flow not recorded, because only established flows hold the places it could have',
  'flow-capped': 'a flow not recorded, because this CPU made its number of new records in this second',
  'answer-insert': 'nat: a record made of what turns a flow’s answers back',
  'answer-evicted': 'nat: such a record overwritten though its flow was established and not idle',
} as const satisfies Record<string, string>

export type EventName = keyof typeof events
/** eventNames: index = the counter's place in a block. */
export const eventNames = Object.keys(events) as EventName[]
