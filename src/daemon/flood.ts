// Floods, for the daemon: what is seen of them (flood-watch.ts) and what operators say of them (flood-orders.ts), what the
// packet path is told, and the answer to who asks. Whose rules hold is the controller's, which applies.

import { randomInt } from 'node:crypto'
import { formatPrefix } from '../base/prefix.ts'
import { knownRules } from '../config/known-rules.ts'
import type { DesiredState } from '../config/state.ts'
import { defenceOutcomes } from '../dataplane/outcomes.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import type { EngineStatus } from '../engine/engine.ts'
import type { EventSink } from '../events/event.ts'
import { optionsOf } from '../flood/rule-text.ts'
import { groupsOf, matchesFacts } from '../flood/suggest.ts'
import { type Servers, usersOf } from '../flood/verdict.ts'
import { ALL, NOBODY } from '../flood/verdict-words.ts'
import type { FloodAnswer, FloodOrderAnswer, FloodRule, FloodService } from './api-flood.ts'
import type { FloodIncident } from './api-flood-status.ts'
import type { Problem, Status } from './api-schema.ts'
import type { ChecksAnswer } from './api-schema-checks.ts'
import { BannedSources } from './banned-sources.ts'
import type { CheckFilter } from './check-details.ts'
import { CheckTimes } from './check-times.ts'
import type { FloodCommand } from './flood-meaning.ts'
import { FloodOrders } from './flood-orders.ts'
import type { FloodStore } from './flood-store.ts'
import { FloodWatch } from './flood-watch.ts'
import type { PacketPath } from './ports.ts'
import type { RateView } from './rates.ts'
import { RuleDoubts } from './rule-doubts.ts'
import { RuleRates } from './rule-rates.ts'
import type { ServerHealth } from './server-health.ts'

/** MAPS: those of the packet path that are there for defence. */
const MAPS: ReadonlySet<string> = new Set([
  'defence',
  'proven',
  'sources',
  'banned',
  'known',
  'lists4',
  'lists6',
  'rules',
  'openings',
])

/** DOUBT: the file's `doubt` where it has none. */
const DOUBT = 0.01

/** FloodOptions: the outside world. */
export interface FloodOptions {
  readonly store: FloodStore
  readonly packetPath: Pick<PacketPath, 'recorder' | 'defence'>
  readonly events: EventSink
  readonly now: () => Date
  readonly self: () => string
  /** strays: packets that the node's kernel has found nobody for, ever. */
  readonly strays: () => number
  /** controller: the loop; asked for only after the constructor. */
  readonly controller: () => FloodController
}

/** FloodController: the loop that applies. */
export interface FloodController {
  readonly running: { readonly desired: DesiredState } | undefined
  readonly engine: EngineStatus | undefined
  readonly rates: RateView
  defend(): Promise<void>
  readonly health: Pick<ServerHealth, 'checked'>
  checks(filter: CheckFilter): Promise<ChecksAnswer>
}

const iso = (ms: number): string => new Date(ms).toISOString()
const ending = (until: number | undefined) => (until === undefined ? {} : { until: iso(until) })

export class Flood {
  readonly orders: FloodOrders
  readonly #options: FloodOptions
  readonly #watch: FloodWatch
  readonly #banned = new BannedSources()
  readonly #rules = new RuleRates()
  readonly #ruleDoubts: RuleDoubts
  readonly #times: CheckTimes

  constructor(options: FloodOptions) {
    const { packetPath, events, now, store, self, strays } = options
    this.#options = options
    this.#times = new CheckTimes((filter) => options.controller().checks(filter))
    this.#ruleDoubts = new RuleDoubts(events)
    this.#watch = new FloodWatch({
      ...{ packetPath, events, now, strays, seed: randomInt(2 ** 32) },
      rates: () => options.controller().rates,
      banned: (source) => this.#banned.see(source),
      servers: (service) => {
        const latencyMs = this.#times.of(service)
        return { ...this.#serversOf(service), ...(latencyMs !== undefined && { latencyMs }) }
      },
    })
    this.orders = new FloodOrders({
      ...{ store, events, now, self },
      running: () => options.controller().running?.desired,
      defend: () => options.controller().defend(),
      doubts: (rule) => this.#doubts(rule),
      release: (network) => packetPath.defence?.earned?.release(network) ?? false,
    })
  }

  /** defended: a file as it is defended now. */
  defended(desired: DesiredState): DesiredState {
    return this.orders.defended(desired)
  }

  /** adopt: this file, as it is defended, is applied: the packet path is told what is live. */
  adopt(desired: DesiredState): void {
    this.#options.packetPath.defence?.set(this.orders.live(desired))
  }

  /** sweep: ten times a second, while something runs. */
  sweep(): void {
    const { packetPath, now } = this.#options
    const controller = this.#options.controller()
    const desired = controller.running?.desired
    if (!desired?.defence) return
    this.orders.sweep()
    this.#watch.sweep()
    const { rules, doubt = DOUBT } = this.defended(desired).defence!
    const time = now().getTime()
    this.#rules.measure(() => packetPath.defence?.reading(), time)
    this.#ruleDoubts.look(rules, doubt, (rule) => this.#watch.harmOf(rule))
    const seen = this.#watch.shown.map(({ verdict }) => verdict.service)
    this.#times.sweep(seen.filter((name) => name !== ALL && name !== NOBODY).slice(0, 64), time)
  }

  problems(): readonly Problem[] {
    return this.orders.problems()
  }

  order(command: FloodCommand): Promise<FloodOrderAnswer> {
    return this.orders.carryOut(command)
  }

  /** status: what of a status is floods'. */
  get status(): Pick<Status, 'flood'> {
    if (!this.#options.controller().running?.desired.defence) return {}
    const reading = this.#options.packetPath.defence?.reading()
    return {
      flood: {
        incidents: this.#incidents(),
        underProof: (reading?.services ?? []).flatMap((each) => (each.isUnderProof ? [each.name] : [])),
        rules: (reading?.rules ?? []).map(({ name, opening, others }) => ({
          ...{ name, opening: `${opening}`, others: `${others}` },
        })),
      },
    }
  }

  #incidents(): FloodIncident[] {
    return this.#watch.shown.flatMap(({ verdict, incident }) => {
      if (!incident || (verdict.service === ALL && !incident.isTold)) return []
      const { service, text, perS } = verdict
      const since = new Date(incident.since).toISOString()
      return [{ service, verdict: incident.kind, since, text, perS }]
    })
  }

  /** answer to who asks what is. */
  answer(): FloodAnswer {
    const { packetPath } = this.#options
    const controller = this.#options.controller()
    const desired = controller.running?.desired
    const state = desired && this.defended(desired)
    const { recorder } = packetPath
    const most = this.#watch.most
    return {
      isOn: state?.defence !== undefined,
      incidents: state?.defence ? this.#incidents() : [],
      services: state?.defence ? this.#services(state) : [],
      rules: state?.defence ? this.#ruleList(desired!, state.defence.rules) : [],
      ...this.#bans(),
      allowed: this.#networks('allow'),
      only: this.#only(state),
      rates: Object.fromEntries(
        defenceOutcomes.map((name) => [name, controller.rates.outcomes.get(name) ?? 0]),
      ),
      straysPerS: this.#watch.straysPerS,
      sources: most.sources.map(({ key, share }) => ({ network: key, share })),
      sourcesOf: most.group,
      networks: most.networks.map(({ key, share }) => ({ network: key, share })),
      memoryBytes: (controller.engine?.maps ?? [])
        .filter(({ name }) => MAPS.has(name))
        .reduce((sum, { bytes }) => sum + bytes, 0),
      ...(recorder && { recorded: { ...recorder.kept } }),
    }
  }

  /** #bans: by hand, then those that sources have earned, as far as they can be named. */
  #bans(): Pick<FloodAnswer, 'bans' | 'unnamedBans'> {
    const earned = this.#options.packetPath.defence?.earned
    const named = this.#banned.bans(earned)
    return {
      bans: [
        ...this.#networks('ban').map((ban) => ({ ...ban, from: 'hand' as const })),
        ...named.map(({ source, since, until }) => ({
          ...{ source: formatPrefix(source), since: iso(since), until: iso(until) },
          from: 'packets' as const,
        })),
      ],
      unnamedBans: Math.max(0, (earned?.count ?? 0) - named.length),
    }
  }

  /** #networks that are banned or allowed by hand. */
  #networks(kind: 'ban' | 'allow'): FloodAnswer['allowed'] {
    return this.orders.inForce.flatMap(({ order, since, until }) =>
      order.kind === kind ? [{ source: order.prefix, since: iso(since), ...ending(until) }] : [],
    )
  }

  #only(state: DesiredState | undefined): FloodAnswer['only'] {
    const said = this.orders.inForce.find(({ order }) => order.kind === 'only')
    const isOn = state?.defence?.only ?? false
    return said ? { isOn, from: 'hand', ...ending(said.until) } : { isOn, from: 'file' }
  }

  #services(state: DesiredState): FloodService[] {
    const known = new Map(state.services.map((each) => [each.name, each]))
    return this.#watch.shown.flatMap(({ verdict, reading, incident }): FloodService[] => {
      const service = known.get(verdict.service)
      if (!service || !reading) return []
      const { rates, usual, servers, isUnderProof } = reading
      const { proof = 'auto', ceiling } = service.defence ?? {}
      const { advice, completed, kind, text, sources } = verdict
      const slow = reading.slow?.count ?? 0
      return [
        {
          ...{ name: service.name, verdict: kind, text, ...rates, slow, sources, isUnderProof },
          ...(incident && { since: new Date(incident.since).toISOString() }),
          ...(completed !== undefined && { completed }),
          ...(usual && {
            usual: {
              openingsPerS: usual.openingsPerS,
              othersPerS: usual.othersPerS,
              udpPerS: usual.udpPerS,
              slow: usual.slow,
            },
          }),
          proof: state.defence?.proof ? proof : 'off',
          ...(ceiling !== undefined && { ceiling }),
          users: usersOf(reading),
          ...{ serversUp: servers.up, servers: servers.of },
          ...(servers.latencyMs !== undefined && { checkMs: servers.latencyMs }),
          ...(advice?.command !== undefined && {
            suggestion: {
              command: advice.command,
              ...{ wanted: advice.wanted, harm: advice.harm, normal: advice.normal },
            },
          }),
        },
      ]
    })
  }

  #ruleList({ defence }: DesiredState, rules: readonly RuleSpec[]): FloodRule[] {
    const reading = this.#options.packetPath.defence?.reading()
    const files = new Set(defence!.rules.map(({ name }) => name))
    return rules.map(({ name, match, action, perSecond, services }) => {
      const hits = reading?.rules.find((each) => each.name === name)
      const said = this.orders.inForce.find(({ about }) => about === `rule ${name}`)
      const perS = this.#rules.perS.get(name)
      return {
        name,
        action,
        ...(perSecond !== undefined && { perSecond }),
        matches: optionsOf(match),
        ...(services && { services: [...services] }),
        from: knownRules.has(name) ? 'shipped' : files.has(name) ? 'file' : 'hand',
        ...ending(said?.until),
        opening: `${hits?.opening ?? 0n}`,
        others: `${hits?.others ?? 0n}`,
        ...(perS !== undefined && { perS }),
      }
    })
  }

  /** #serversOf a service: how many of its pool's are up; those that only the guard keeps are not, and get traffic. */
  #serversOf(service: string): Omit<Servers, 'latencyMs'> {
    const { running, health } = this.#options.controller()
    const pool = running?.desired.services.find(({ name }) => name === service)?.pool
    const members =
      running?.desired.pools.find(({ name }) => name === pool)?.members.filter(({ weight }) => weight > 0) ??
      []
    const states = members.map(({ server }) => health.checked(pool!, server)?.state)
    const count = (state: 'down' | 'held') => states.filter((each) => each === state).length
    const kept = count('held')
    return { up: members.length - count('down') - kept, kept, of: members.length }
  }

  /** #doubts: what speaks against a rule: packets of normal traffic that it would take. */
  #doubts(rule: Omit<RuleSpec, 'name'>): string[] {
    const normal = this.#watch.normalOf(rule)
    const first = rule.action === 'count' ? '' : ': observe it first'
    if (normal.length === 0) return [`no normal traffic is known yet to check it with${first}`]
    const what = groupsOf(rule.match).join() === 'opening' ? 'SYNs of clients' : 'packets of clients'
    const taken = normal.filter((facts) => matchesFacts(rule.match, facts)).length
    if (taken === 0) return [`of ${normal.length} recent ${what} it matches none`]
    const share = ((100 * taken) / normal.length).toFixed(1)
    return [`it matches ${taken} of ${normal.length} recent ${what}, ${share} %${first}`]
  }
}
