// What the daemon says of floods, as lines for people. Pure.

import type { FloodAnswer, FloodRule, FloodService } from '../daemon/api-flood.ts'
import { type Cell, type Column, fitted } from './columns.ts'
import type { Paint } from './context.ts'
import { brokenLine } from './status-facts.ts'
import { agoText, bytesText, countText, rateText, shareText, table } from './table.ts'
import { verdictWords } from './verdict-words.ts'

/** NO_DEFENCE: what there is to say where nothing defends. */
export const NO_DEFENCE = 'there is no defence: the file says off, or nothing is applied yet'

/** floodLines: all of it, none longer than `width` where it can be broken. */
export function floodLines(answer: FloodAnswer, paint: Paint, width: number, now: number): string[] {
  const {
    isOn,
    incidents,
    services,
    rules,
    bans,
    unnamedBans,
    allowed,
    only,
    rates,
    straysPerS,
    sources,
    networks,
  } = answer
  const { memoryBytes, recorded } = answer
  if (!isOn) return [NO_DEFENCE]
  const verdicts = incidents.flatMap(({ text, since }) =>
    brokenLine(`${paint.bad(`for ${agoText(now - Date.parse(since))}`)}  ${text}`, 2, width),
  )
  const does = Object.entries(rates).filter(([, perS]) => perS > 0)
  const most = (of: FloodAnswer['sources']) =>
    `${sourcesOf[answer.sourcesOf]}${of.map(({ network, share }) => `${network} ${shareText(share)}`).join(', ')}`
  const users = services.flatMap(usersText)
  const facts = [
    ['dropped', does.map(([name, perS]) => `${name} ${rateText(perS)}/s`).join(', ') || 'nothing'],
    ...(users.length === 0 ? [] : [['users', users.join('; ')]]),
    ...(straysPerS < 1 ? [] : [['strays', `${rateText(straysPerS)}/s to what nobody has here`]]),
    ...(bans.length + unnamedBans === 0 ? [] : [['banned', bansText(answer)]]),
    ...(allowed.length === 0 ? [] : [['allowed', allowed.map(({ source }) => source).join(', ')]]),
    ...(only.isOn || only.from === 'hand' ? [['only', onlyText(only)]] : []),
    ...(sources.length === 0 ? [] : [['sources', most(sources)]]),
    ...(networks.length === 0 ? [] : [['networks', most(networks)]]),
    [
      'memory',
      `${bytesText(memoryBytes)}${recorded ? `, and ${bytesText(recorded.bytes)} for ${countText(recorded.records)} recorded packets` : ''}`,
    ],
  ]
  return [
    ...(incidents.length === 0 ? [paint.good('no flood')] : verdicts),
    ...table(facts, ['left', 'left']).flatMap((line) => brokenLine(line, 10, width)),
    ...(services.length === 0
      ? []
      : fitted(
          serviceColumns,
          services.map((each) => serviceRow(each, paint)),
          width,
          paint,
        )),
    ...(rules.length === 0 ? [] : ['', ...ruleLines(rules, paint)]),
  ]
}

/** BANS_SHOWN: so many are named. */
const BANS_SHOWN = 20

/** bansText: who is banned until when, and how many more are. */
function bansText({ bans, unnamedBans }: FloodAnswer): string {
  const named = bans.slice(0, BANS_SHOWN).map(({ source, until }) => `${source}${untilText(until)}`)
  const more = bans.length - named.length + unnamedBans
  return [...named, ...(more === 0 ? [] : [`${countText(more)}${named.length === 0 ? '' : ' more'}`])].join(
    ', ',
  )
}

const untilText = (until: string | undefined): string =>
  until === undefined ? '' : ` until ${until.slice(0, 16)}Z`

/** onlyText: whether who is not allowed is dropped, by whom, and until when. */
function onlyText({ isOn, from, until }: FloodAnswer['only']): string {
  const what = isOn ? 'who is not allowed is dropped' : 'who is not allowed is let in, too'
  return `${what}${from === 'hand' ? ', by hand' : ''}${untilText(until)}`
}

/** sourcesOf: of which packets sources are, where not of SYNs. */
const sourcesOf = { opening: '', other: 'of TCP without SYN: ', udp: 'of UDP: ' } as const

/** usersText: what users of a service get, where something is bad or defence stops connections. */
function usersText({ name, since, openingsPerS, users: { perS, completed } }: FloodService): string[] {
  if (since === undefined && perS >= 0.99 * openingsPerS) return []
  const goOn = completed === undefined ? 'too few are recorded' : `${shareText(completed)} go on`
  return [`${name}: of ${rateText(perS)} connections/s that pass ${goOn}`]
}

const serviceColumns: readonly Column[] = [
  { head: 'SERVICE', align: 'left', min: 6, enough: 16, cut: 'middle' },
  { head: 'STATE', align: 'left' },
  { head: 'SYN/S', align: 'right' },
  { head: 'USUAL', align: 'right' },
  { head: 'TCP/S', align: 'right' },
  { head: 'UDP/S', align: 'right', isOptional: true },
  { head: 'SLOW', align: 'right', isOptional: true },
  { head: 'COMPLETE', align: 'right' },
  { head: 'SOURCES', align: 'right' },
  { head: 'PROOF', align: 'left' },
  { head: 'CHECKS', align: 'right', isOptional: true },
  { head: 'UP', align: 'right', isOptional: true },
]

function serviceRow(each: FloodService, paint: Paint): Cell[] {
  const { name, verdict, since, openingsPerS, usual, othersPerS, udpPerS, slow, completed, sources } = each
  const { proof, isUnderProof, checkMs, serversUp, servers } = each
  return [
    name,
    since === undefined ? verdictWords[verdict] : { text: verdictWords[verdict], paint: paint.bad },
    rateText(openingsPerS),
    rateText(usual?.openingsPerS),
    rateText(othersPerS),
    rateText(udpPerS),
    countText(slow),
    completed === undefined ? '-' : shareText(completed),
    countText(sources),
    isUnderProof ? { text: 'asked', paint: paint.strong } : proof === 'off' ? 'off' : 'not now',
    checkMs === undefined ? '-' : `${checkMs.toFixed(checkMs < 10 ? 1 : 0)}ms`,
    servers === 0 ? '-' : `${serversUp}/${servers}`,
  ]
}

/** ruleLines: one each. */
export const ruleLines = (rules: readonly FloodRule[], { faint, strong }: Paint): string[] => {
  const rows = rules.map(
    ({ name, action, perSecond, matches, services, from, until, opening, others, perS }) => [
      name,
      action === 'count' ? 'count' : strong(action === 'limit' ? `${perSecond}/s` : action),
      countText(opening),
      countText(others),
      rateText(perS),
      `${from}${untilText(until)}`,
      `${matches}${services === undefined ? '' : ` --service ${services.join(',')}`}`,
    ],
  )
  const [head, ...lines] = table(
    [['RULE', 'ACTION', 'SYNS', 'OTHERS', 'NOW/S', 'FROM', 'MATCHES'], ...rows],
    ['left', 'left', 'right', 'right', 'right', 'left', 'left'],
  )
  return [faint(head!), ...lines]
}
