// Several nodes in one process, for tests of whatever rides on Peers: requests are handled by the other end's handlers,
// parts arrive at once, and the network between two nodes can be cut and healed. Bodies are copied, so that neither end
// sees what the other does to them later. Left out: certificates, versions and clocks, which are the transport's tests.

import { invariant, TenbinError } from '../base/errors.ts'
import { Handlers } from './handlers.ts'
import type { Json, Peers, PeerView } from './peers.ts'

/** FakeCluster: `node(name)` is what that node's daemon would have. */
export interface FakeCluster {
  node(name: string): Peers
  /** cut: nothing gets from one to the other, not even answers to what is under way; or they refuse each other. */
  cut(a: string, b: string, how?: Cut['state']): void
  heal(a: string, b: string): void
  /** lose: the next answer to a request from `from` to `to` is lost, after it was handled. */
  lose(from: string, to: string): void
}

/** Cut: since when, and what each published then. */
interface Cut {
  readonly since: Date
  readonly state: 'unreachable' | 'refused'
  readonly parts: ReadonlyMap<string, Readonly<Record<string, Json>>>
}

interface Member {
  readonly handlers: Handlers
  readonly parts: Map<string, Json>
  readonly listeners: Set<() => void>
}

/** fakeCluster of nodes by these names, all connected. `now` is what `since` is read from. */
export function fakeCluster(names: readonly string[], now: () => Date = () => new Date()): FakeCluster {
  const members = new Map<string, Member>(
    names.map((name) => [name, { handlers: new Handlers(), parts: new Map(), listeners: new Set() }]),
  )
  const began = now()
  const healed = new Map<string, Date>()
  const cuts = new Map<string, Cut>()
  const lost = new Set<string>()
  const between = (a: string, b: string) => [a, b].sort().join(' ')
  const member = (name: string): Member => {
    const found = members.get(name)
    invariant(found, `no node ${name} in this fake cluster`)
    return found
  }
  const tell = (...told: string[]) => {
    for (const name of told) for (const listener of member(name).listeners) listener()
  }
  const partsOf = (name: string) => Object.fromEntries(member(name).parts)
  const cutNow = (state: Cut['state'], parts: Cut['parts']): Cut => ({ state, parts, since: now() })
  const whyOf = ({ state }: Cut) => (state === 'refused' ? 'its keys are of another cluster' : 'no answer')
  const cutOff = (node: string, path: string, cut: Cut) => {
    const code = cut.state === 'refused' ? 'PEER_REFUSED' : 'PEER_UNREACHABLE'
    return new TenbinError(code, `${path} of ${node}`, { detail: `${node}: ${whyOf(cut)}` })
  }

  function viewOf(self: string, name: string): PeerView {
    const cut = cuts.get(between(self, name))
    const known = { name, version: '0.0.0', run: `${name} 1`, protocol: 1, clockAheadMs: 0 }
    if (!cut) {
      const since = healed.get(between(self, name)) ?? began
      return { ...known, state: 'connected', since, reachesUs: true, parts: partsOf(name) }
    }
    const parts = cut.parts.get(name)!
    const { state, since } = cut
    return { ...known, state, since, why: whyOf(cut), reachesUs: false, parts }
  }

  async function request(self: string, node: string, path: string, body: Uint8Array): Promise<Uint8Array> {
    if (node === self || !members.has(node))
      throw new TenbinError('PEER_UNKNOWN', `${path} of ${node}`, { detail: `${node} is no other node` })
    const link = between(self, node)
    await Promise.resolve()
    const before = cuts.get(link)
    if (before) throw cutOff(node, path, before)
    const found = member(node).handlers.get(path)
    if (!found)
      throw new TenbinError('PEER_FAILED', `${path} of ${node}`, {
        detail: `${node} does not answer ${path}`,
      })
    if (body.length > found.maxBytes)
      throw new TenbinError('PEER_REQUEST', `${path} of ${node}`, {
        detail: `more than ${found.maxBytes} bytes`,
      })
    const answer = await found.handler(self, body.slice()).catch((error: unknown) => {
      throw asRemote(error, node, path)
    })
    const after = cuts.get(link) ?? (lost.delete(`${self}>${node}`) && cutNow('unreachable', new Map()))
    if (after) throw cutOff(node, path, after)
    return answer.slice()
  }

  function peersOf(self: string): Peers {
    const { handlers, parts, listeners } = member(self)
    const others = names.filter((name) => name !== self)
    return {
      self,
      astray: undefined,
      nodes: () => others.map((name) => viewOf(self, name)),
      request: async (node, path, body, timeoutMs) => {
        let timer: NodeJS.Timeout | undefined
        const late = new Promise<never>((_, reject) => {
          const why = { detail: `no answer within ${timeoutMs} ms` }
          timer = setTimeout(
            () => reject(new TenbinError('PEER_TIMEOUT', `${path} of ${node}`, why)),
            timeoutMs,
          )
        })
        return Promise.race([request(self, node, path, body), late]).finally(() => clearTimeout(timer))
      },
      handle: (path, handler, options) => handlers.add(path, handler, options),
      publish(part, value) {
        if (JSON.stringify(parts.get(part)) === JSON.stringify(value)) return
        if (value === undefined) parts.delete(part)
        else parts.set(part, structuredClone(value) as Json)
        tell(...others.filter((other) => !cuts.has(between(self, other))))
      },
      onChange(listener) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => void listeners.delete(listener) }
      },
    }
  }

  const peers = new Map(names.map((name) => [name, peersOf(name)]))
  return {
    node(name) {
      member(name)
      return peers.get(name)!
    },
    cut(a, b, how = 'unreachable') {
      if (cuts.has(between(a, b))) return
      const parts = new Map([a, b].map((name) => [name, partsOf(name)]))
      cuts.set(between(a, b), cutNow(how, parts))
      tell(a, b)
    },
    heal(a, b) {
      if (!cuts.delete(between(a, b))) return
      healed.set(between(a, b), now())
      tell(a, b)
    },
    lose: (from, to) => void lost.add(`${from}>${to}`),
  }
}

function asRemote(error: unknown, node: string, path: string): TenbinError {
  const op = `${path} of ${node}`
  const detail = (error as Error).message
  return new TenbinError(error instanceof TenbinError ? error.code : 'PEER_FAILED', op, { detail })
}
