// `defence:`: what services are defended by. A node that says nothing of it observes the floods that are known, asks for proof
// of source when there are too many SYNs, and has its recorder on; `off` is nothing at all.

import { formatRate, formatSize, trySize } from '../base/amounts.ts'
import { formatPrefix, type Prefix } from '../base/prefix.ts'
import type {
  DefenceSpec,
  ProofMode,
  ProofSpec,
  RecorderSpec,
  ServiceDefence,
  SourcesSpec,
} from '../engine/defence-spec.ts'
import { secondsOf } from './behaviour.ts'
import { describe } from './check-shape.ts'
import { resolveRules } from './defence-rules.ts'
import type { Findings } from './findings.ts'
import { nobodyOf } from './list-sense.ts'
import type { Entry, Merged } from './merge.ts'
import { type ListSource, readList } from './prefix-lists.ts'
import { type Listening, listening } from './rule-sense.ts'
import { readRate } from './rule-words.ts'
import { type DefenceShape, type ServiceDefenceShape, SHARE_PATTERN } from './schema-defence.ts'
import { inside, keyOf, type Place } from './source.ts'
import type { ServiceState } from './state.ts'

/** PROOF, RECORDER, SOURCES: what is not said. */
export const PROOF: ProofSpec = { above: 10_000, below: 5_000, holdS: 30, rememberS: 3_600 }
export const RECORDER = { disk: 256 * 2 ** 20, aroundS: 30 } as const satisfies RecorderSpec
export const SOURCES: SourcesSpec = { prefix: 32, prefix6: 64 }
/** SOURCE_LIMIT: of one source: the packet path counts up to 2^20 in a window, which is a second and a half at most. */
const SOURCE_LIMIT = 500_000
const SHARE = new RegExp(`^${SHARE_PATTERN}$`)
const SIZES = { memory: { min: 2 ** 20, max: 2 ** 28 }, disk: { min: 2 ** 20, max: 64 * 2 ** 30 } }

/** Defence: the node's, and what is said of a service, where that is more than the node's. */
export interface Defence {
  readonly spec: DefenceSpec
  readonly of: (service: string) => ServiceDefence | undefined
}

/** withDefence: a service with what is said of its defence. */
export function withDefence(service: ServiceState, defence: Defence | undefined): ServiceState {
  const own = defence?.of(service.name)
  return own ? { ...service, defence: own } : service
}

/** Said: what a service says of its defence. */
interface Said {
  readonly value: ServiceDefenceShape
  readonly place: Place
}

/** resolveDefence: undefined: the file says `off`. */
export function resolveDefence(
  merged: Merged,
  services: readonly ServiceState[],
  lists: ListSource,
  findings: Findings,
): Defence | undefined {
  const entryOf = <Key extends keyof DefenceShape>(key: Key) =>
    merged.defence.find(({ name }) => name === key) as Entry<NonNullable<DefenceShape[Key]>> | undefined
  const word = merged.defence.find(({ name }) => name === 'on' || name === 'off')
  const own = new Map(
    merged.services.flatMap(({ name, value, place }): [string, Said][] =>
      value?.defence ? [[name, { value: value.defence, place: inside(place, 'defence') }]] : [],
    ),
  )
  const other = word && merged.defence.find((each) => each !== word)
  if (other) findings.add(keyOf(other.place), `defence is ${word.name} elsewhere: remove one of them`)
  if (word?.name === 'off') {
    for (const { place } of own.values())
      findings.add(keyOf(place), 'defence is off: remove it here, or there')
    return undefined
  }
  const { mode, ...proof } = resolveProof(entryOf('proof'), findings)
  const ofService = new Map(
    services.map(({ name }) => [name, serviceDefence(own.get(name), mode, findings)] as const),
  )
  const isAsked = [...ofService.values()].some((each) => each.proof !== 'off')
  const ceiling = rateOf(entryOf('ceiling')?.value, entryOf('ceiling')?.place, findings)
  const recorder = resolveRecorder(entryOf('recorder'), findings)
  const known = listening(merged, services)
  const unearned = unearnedBan(known, (name) => ofService.get(name)?.proof)
  const sources = resolveSources(entryOf('sources'), unearned, findings)
  const doubt = resolveDoubt(entryOf('doubt'), findings)
  return {
    spec: {
      rules: resolveRules(entryOf('rules'), known, findings),
      ...resolveLists(entryOf, lists, known, findings),
      ...(isAsked && { proof }),
      ...(sources && { sources }),
      ...(ceiling !== undefined && { ceiling }),
      ...(recorder && { recorder }),
      ...(doubt !== undefined && { doubt }),
    },
    of: (service) => {
      const own = ofService.get(service)
      return own?.proof === 'auto' && own.ceiling === undefined ? undefined : own
    },
  }
}

function resolveLists(
  entryOf: <Key extends 'allow' | 'deny' | 'only'>(
    key: Key,
  ) => Entry<NonNullable<DefenceShape[Key]>> | undefined,
  lists: ListSource,
  services: readonly Listening[] | undefined,
  findings: Findings,
): Pick<DefenceSpec, 'allow' | 'deny' | 'only'> {
  const [allowed, denied, onlyEntry] = [entryOf('allow'), entryOf('deny'), entryOf('only')]
  const listOf = (entry: typeof allowed, isDenied = false): Prefix[] =>
    entry?.value === undefined ? [] : readList(entry.value, entry.place, lists, findings, isDenied)
  const before = findings.count
  const allow = listOf(allowed)
  const isRead = findings.count === before && (!allowed || allowed.value !== undefined)
  const deny = listOf(denied, true)
  const only = onlyEntry?.value ?? false
  const nobody = only && isRead ? nobodyOf(allow, services) : undefined
  if (nobody) findings.add(onlyEntry!.place, `${nobody.why}: write allow: [${nobody.example}]`)
  const both = new Set(allow.map(formatPrefix))
  const clash = deny.find((each) => both.has(formatPrefix(each)))
  if (clash)
    findings.add(denied!.place, `${formatPrefix(clash)} is in allow, too: remove it from one of them`)
  return { allow, deny, only }
}

function resolveProof(
  entry: Entry<NonNullable<DefenceShape['proof']>> | undefined,
  findings: Findings,
): ProofSpec & { readonly mode: ProofMode } {
  const { value, place } = entry ?? {}
  if (value === undefined || !place) return { ...PROOF, mode: 'auto' }
  if (typeof value === 'string') return { ...PROOF, mode: value }
  const above = rateOf(value.above, inside(place, 'above'), findings) ?? PROOF.above
  const below = rateOf(value.below, inside(place, 'below'), findings) ?? Math.max(1, Math.floor(above / 2))
  if (below > above)
    findings.add(
      inside(place, 'below'),
      `${formatRate(below)} is more than ${formatRate(above)}, above which proof is asked for: write less`,
    )
  const seconds = (key: 'hold' | 'remember', otherwise: number) =>
    value[key] === undefined ? otherwise : (secondsOf(value[key], inside(place, key), findings) ?? otherwise)
  return {
    mode: 'auto',
    above,
    below,
    holdS: seconds('hold', PROOF.holdS),
    rememberS: seconds('remember', PROOF.rememberS),
  }
}

function serviceDefence(said: Said | undefined, mode: ProofMode, findings: Findings): ServiceDefence {
  if (!said) return { proof: mode }
  const { value, place } = said
  const ceiling = rateOf(value.ceiling, inside(place, 'ceiling'), findings)
  return { proof: value.proof ?? mode, ...(ceiling !== undefined && { ceiling }) }
}

/** resolveSources: `unearned`: why nobody can earn a ban; undefined: somebody can. */
function resolveSources(
  entry: Entry<NonNullable<DefenceShape['sources']>> | undefined,
  unearned: string | undefined,
  findings: Findings,
): SourcesSpec | undefined {
  const { value, place } = entry ?? {}
  if (value === undefined || !place) return undefined
  const newPerS = rateOf(value.new, inside(place, 'new'), findings, SOURCE_LIMIT)
  const udpPerS = rateOf(value.udp, inside(place, 'udp'), findings, SOURCE_LIMIT)
  if (value.new === undefined && value.udp === undefined)
    findings.add(place, 'it limits nothing: write new: 100/s, or udp: 1000/s')
  const why =
    value.new === undefined && value.udp !== undefined
      ? 'a source earns it by proving more flows than new lets it open: write new: 100/s, or take ban out'
      : unearned && `a source earns it by proofs, and ${unearned}: take ban out`
  if (value.ban !== undefined && why !== undefined) findings.add(keyOf(inside(place, 'ban')), why)
  const banS = value.ban === undefined ? undefined : secondsOf(value.ban, inside(place, 'ban'), findings)
  return {
    ...(newPerS !== undefined && { newPerS }),
    ...(udpPerS !== undefined && { udpPerS }),
    prefix: value.prefix ?? SOURCES.prefix,
    prefix6: value.prefix6 ?? SOURCES.prefix6,
    ...(banS !== undefined && { banS }),
  }
}

/** unearnedBan: why no source can prove itself; undefined: one can. Where services are not all known, it may. */
function unearnedBan(
  services: readonly Listening[] | undefined,
  modeOf: (service: string) => ProofMode | undefined,
): string | undefined {
  const of = services?.filter(
    ({ listeners }) => listeners.length === 0 || listeners.some(({ protocol }) => protocol === 'tcp'),
  )
  if (of?.length === 0) return 'no service listens on TCP'
  return of?.every(({ name }) => modeOf(name) === 'off') ? 'proof is off' : undefined
}

function resolveRecorder(
  entry: Entry<NonNullable<DefenceShape['recorder']>> | undefined,
  findings: Findings,
): RecorderSpec | undefined {
  const { value, place } = entry ?? {}
  if (value === undefined || !place) return entry ? undefined : RECORDER
  if (typeof value === 'string') return undefined
  const sizeOf = (key: 'memory' | 'disk'): number | undefined => {
    const text = value[key]
    if (text === undefined) return undefined
    const { min, max } = SIZES[key]
    const bytes = trySize(text)
    if (bytes !== undefined && bytes >= min && bytes <= max) return bytes
    const at = inside(place, key)
    if (bytes === undefined) findings.add(at, `${describe(text)} is no size: write 64MiB`)
    else findings.add(at, `${text} is out of range: ${formatSize(min)} to ${formatSize(max)}`)
    return undefined
  }
  const around =
    value.around === undefined ? undefined : secondsOf(value.around, inside(place, 'around'), findings)
  const memory = sizeOf('memory')
  return {
    ...(memory !== undefined && { memory }),
    disk: sizeOf('disk') ?? RECORDER.disk,
    aroundS: around ?? RECORDER.aroundS,
  }
}

function resolveDoubt(
  { value, place }: Partial<Entry<NonNullable<DefenceShape['doubt']>>> = {},
  findings: Findings,
): number | undefined {
  if (value === undefined || !place) return undefined
  if (SHARE.test(value)) return Number(value.slice(0, -1)) / 100
  findings.add(place, `${describe(value)} is not a share: write 1%`)
  return undefined
}

function rateOf(text: string | undefined, place: Place | undefined, findings: Findings, most?: number) {
  if (text === undefined || !place) return undefined
  return readRate(text, (message) => findings.add(place, message), most)
}
