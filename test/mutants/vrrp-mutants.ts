// Mutants of VRRP: the rules of machine and group, and what judges adverts. A rule of these gets one.

import { inFile, type Mutant } from './run-mutant.ts'

const machine = inFile('src/vrrp/machine.ts', 'vrrpMachine')
const overslept = inFile('src/vrrp/overslept.ts', 'vrrpMachine')
const router = inFile('src/vrrp/router.ts', 'vrrpMachine')
const flapping = inFile('src/vrrp/flapping.ts', 'vrrpMachine')
const announcing = inFile('src/vrrp/announcing.ts', 'vrrpMachine')
const finding = inFile('src/vrrp/finding.ts', 'vrrpMachine')
const group = inFile('src/vrrp/group.ts', 'vrrpMachine')
const codec = inFile('src/wire/vrrp.ts', 'vrrpAdverts')
const sum = inFile('src/wire/vrrp-checksum.ts', 'vrrpAdverts')
const receive = inFile('src/vrrp/receive.ts', 'vrrpAdverts')
const trailer = inFile('src/wire/vrrp-trailer.ts', 'vrrpAdverts')

const states: readonly Mutant[] = [
  machine(
    'an owner begins as backup',
    '  if (isOwner(router)) return becomeActive',
    '  if (false) return becomeActive',
  ),
  machine(
    'a backup that shuts down says so',
    "(from === 'active' ? leaving : [])",
    "(from !== 'initialize' ? leaving : [])",
  ),
  machine(
    'addresses go before priority 0',
    "[{ kind: 'send', priority: PRIORITY.leaving }, { kind: 'leave' }]",
    "[{ kind: 'leave' }, { kind: 'send', priority: PRIORITY.leaving }]",
  ),
  machine(
    'priority 0 is an advert like others to a backup',
    '  if (heard.priority === PRIORITY.leaving)\n    return',
    '  if (heard.priority < PRIORITY.leaving)\n    return',
  ),
  machine(
    'priority 0 is a lower one to an active node',
    '  if (priority === PRIORITY.leaving) return assert',
    '  if (priority < PRIORITY.leaving) return assert',
  ),
  machine(
    'the same priority is preempted',
    'heard.priority < router.priority && (',
    'heard.priority <= router.priority && (',
  ),
  machine('nobody is preempted', '  if (mayPreempt) return', '  if (false) return'),
  machine('an owner does not preempt', '(router.preempt || isOwner(router))\n', '(router.preempt)\n'),
  machine('preemption waits for no delay', 'now >= Math.max(preemptAt ?? now, ', 'now >= Math.max('),
  machine(
    'preemption waits for no yield',
    'state.holdUntil, state.flaps.holdUntil)',
    'state.flaps.holdUntil)',
  ),
  machine('preemption waits for no back-off', 'state.holdUntil, state.flaps.holdUntil)', 'state.holdUntil)'),
  machine(
    'each advert begins the delay anew',
    '(phase.preemptAt ?? now + router.preemptDelayMs)',
    '(now + router.preemptDelayMs)',
  ),
  machine(
    'the interval is not learnt',
    'router.version === 3 ? heard.adverMs : router.adverMs',
    'router.adverMs',
  ),
  machine(
    'version 2 learns intervals',
    'router.version === 3 ? heard.adverMs : router.adverMs',
    'heard.adverMs',
  ),
  machine('the beat drifts', '...(onBeat > now ? { adverAt: onBeat } : {})', ''),
  machine('a missed beat is made up for', '...(onBeat > now ? { adverAt: onBeat } : {})', 'adverAt: onBeat'),
  machine('the lower address of two stays', 'from > router.primary', 'from < router.primary'),
  machine(
    'of two with one priority both stay',
    'priority === router.priority && from',
    'priority > router.priority && from',
  ),
  machine(
    'a lower priority is not answered',
    'router.version === 3 ? assert(router, told, phase, now)',
    'router.version === 4 ? assert(router, told, phase, now)',
  ),
  machine(
    'version 2 answers a lower priority',
    'router.version === 3 ? assert(router, told, phase, now)',
    'router.version < 4 ? assert(router, told, phase, now)',
  ),
  machine(
    'answers know no bound',
    '  if (now < phase.assertedAt + router.adverMs / 10) return [state, []]\n',
    '',
  ),
  machine(
    'announcements of conflicts know no bound',
    'now >= phase.announcing.lastAt + router.adverMs',
    'true',
  ),
  machine('a conflict is not announced', 'now >= phase.announcing.lastAt + router.adverMs', 'false'),
  machine(
    'a takeover is not announced',
    "    { kind: 'announce', why: 'took' },\n    role(from, 'active', why),",
    "    role(from, 'active', why),",
  ),
  machine(
    'an owner’s kernel does not answer',
    "accept: router.accept || isOwner(router) },\n    { kind: 'announce', why: 'took' },\n    role",
    "accept: router.accept },\n    { kind: 'announce', why: 'took' },\n    role",
  ),
  machine(
    'a group’s timer does not wait',
    '  if (!mayTake) return [{ ...state, phase: { ...phase, isWanting: true } }, []]\n',
    '',
  ),
  machine(
    'who waits for its group is stepped by time',
    "phase.role === 'backup' && !phase.isWanting) times",
    "phase.role === 'backup') times",
  ),
  machine(
    'announcements are forgotten',
    'times.push(phase.adverAt, phase.announcing.at)',
    'times.push(phase.adverAt)',
  ),
  machine(
    'who was asleep fights',
    '  if (!hasOverslept(phase, now)) return [state, []]\n',
    '  if (!hasOverslept(phase, now) || true) return [state, []]\n',
  ),
  machine(
    'what yields comes back as soon as it listened',
    'phase: inBackup(router, router.adverMs, now) },\n    [...leaving',
    'phase: listening(router, router.adverMs, now) },\n    [...leaving',
  ),
  machine(
    'changed parameters are not told',
    "const effects: Effect[] = [{ kind: 'send', priority: router.priority }]\n  if (addresses)",
    'const effects: Effect[] = []\n  if (addresses)',
  ),
  overslept('an active node knows a dead line of its own', 'now >= phase.deadAt', 'now > phase.deadAt'),
  overslept(
    'a backup that was asleep takes over',
    "!isWanting && cause !== 'overslept' && now - downAt > activeAdverMs",
    'false',
  ),
  overslept('a node that is always late never takes over', "cause !== 'overslept' && ", ''),
  overslept('who waits for its group was asleep', '!isWanting && cause', 'cause'),
  overslept(
    'who overslept waits as long as ever',
    'downAt: now + listenMs(router, activeAdverMs)',
    'downAt: now + 3 * listenMs(router, activeAdverMs)',
  ),
  router('Skew_Time grows with priority', '((256 - priority) *', '(priority *'),
  router('version 2 has the skew of version 3', '(version === 3 ? activeAdverMs : 1000)', 'activeAdverMs'),
  router('two adverts lost are enough', '  3 * activeAdverMs + skewMs', '  2 * activeAdverMs + skewMs'),
  router('the dead line is an advert late', '=> 3 * adverMs', '=> 4 * adverMs'),
  flapping('takeovers are never too many', 'if (takeovers.length < most)', 'if (takeovers.length <= most)'),
  flapping(
    'takeovers are never forgotten',
    'flaps.takeovers.filter((at) => at > now - withinMs)',
    'flaps.takeovers',
  ),
  flapping('each takeover raises an alarm', 'isNew: !flaps.isAlarmed', 'isNew: true'),
  announcing('announcements are not repeated', 'rules.repeatMs > 0 ?', 'rules.repeatMs < 0 ?'),
  announcing(
    'refreshed announcements cannot be left out',
    'refreshMs > 0 ? now + refreshMs : undefined',
    'now + refreshMs',
  ),
  finding(
    'all is told each time',
    '  if (told !== undefined && now < told.at + EVERY_MS)',
    '  if (told !== undefined && now < told.at)',
  ),
  finding('one sender hides another', "[name, from ?? '']", '[name]'),
  finding('one finding hides another', "[name, from ?? '']", "[from ?? '']"),
]

const together: readonly Mutant[] = [
  group(
    'one of a group takes over by itself',
    "{ kind: 'tick', mayTake: false }",
    "{ kind: 'tick', mayTake: true }",
  ),
  group(
    'a group takes over when one would',
    'members.every((member) => isReady',
    'members.some((member) => isReady',
  ),
  group('who loses one keeps the others', '  if (hasLost) {', '  if (hasLost && false) {'),
  group('an owner leaves the others behind', '  if (!isTaking && !members', '  if (!members'),
]

const adverts: readonly Mutant[] = [
  codec(
    'addresses may end too soon',
    "  if (got < end) return defect({ name: 'truncated', got, needed: end })\n",
    '',
  ),
  codec('any type is an advert', 'if (type !== ADVERTISEMENT)', 'if (false)'),
  codec('no address is a list', '  if (count === 0)', '  if (count < 0)'),
  codec('VRID 0 is one', '  if (vrid === 0)', '  if (vrid < 0)'),
  codec('an interval of 0 is one', '    if (maxAdverCs === 0)', '    if (maxAdverCs < 0)'),
  codec('any authentication is one', '  if (authType > 1)', '  if (authType > 255)'),
  codec(
    'version 2 has no room for authentication',
    'const end = HEADER + size * count + (version === 2 ? AUTH : 0)',
    'const end = HEADER + size * count',
  ),
  codec('an interval has sixteen bits', 'view.getUint16(4) & 0xfff', 'view.getUint16(4)'),
  codec('any version is one', 'if (version !== 3 && !(version === 2 && isV4))', 'if (false)'),
  codec(
    'a wrong checksum is right',
    "  if (form === undefined) return defect({ name: 'checksum', got: view.getUint16(CHECKSUM_AT) })\n",
    '',
  ),
  sum(
    'version 2 has a pseudo-header',
    "versionOf(bytes) === 3 && (form === 'rfc5798'",
    "(form === 'rfc5798'",
  ),
  sum(
    'over IPv6 the form can be chosen',
    "(form === 'rfc5798' || !isIp4(ends.source))",
    "(form === 'rfc5798')",
  ),
  sum(
    'over IPv4 one form is read',
    "  return isRight(0) ? 'rfc9568' : undefined",
    "  return versionOf(bytes) === 2 && isRight(0) ? 'rfc9568' : undefined",
  ),
  sum(
    'over IPv6 an advert without pseudo-header is read',
    '  if (versionOf(bytes) === 3 && !isIp4(ends.source)) return undefined\n',
    '',
  ),
  sum('the pseudo-header is that of another protocol', 'ipProtocol.VRRP, length', 'ipProtocol.UDP, length'),
  receive('any TTL will do', '  if (ttl < minTtl)', '  if (ttl < 0)'),
  receive('strangers are heard', '!peers.includes(source)', 'false'),
  receive('its own adverts are heard', '  if (source === router.primary)', '  if (false)'),
  receive('any VRID is its own', '  if (advert.vrid !== router.vrid)', '  if (false)'),
  receive('any version is its own', '  if (advert.version !== router.version)\n', '  if (false)\n'),
  receive('no password will do', '  if (auth.type !== type)', '  if (false)'),
  receive('any password will do', '!timingSafeEqual(auth.data, password)', 'false'),
  receive(
    'version 2 may have another interval',
    'return ms === router.adverMs ? undefined',
    'return ms > 0 ? undefined',
  ),
  receive(
    'a trailer proves nothing',
    "    if (checked.kind === 'defect') return refused(checked.defect)\n    const admitted = admit(windows.get(source), checked.number)",
    "    if (checked.kind === 'defect') return refused({ name: 'trailer-missing' })\n    const admitted = admit(windows.get(source), checked.number)",
  ),
  receive('what was heard is heard again', "  if (admitted.kind !== 'new')", '  if (false)'),
  trailer('any MAC will do', '!timingSafeEqual(expected, trailer.subarray(HEAD_BYTES))', 'false'),
  trailer('a longer trailer will do', 'trailer.length !== TRAILER_BYTES', 'trailer.length < TRAILER_BYTES'),
]

/** vrrpMutants: all of them. */
export const vrrpMutants: readonly Mutant[] = [...states, ...together, ...adverts]
