// Mutants of VRRP: the rules of machine and group, what judges adverts, and how an address set executes and proves them. A rule
// of these gets one.

import { inFile, type Mutant } from './run-mutant.ts'

const machine = inFile('src/vrrp/machine.ts', 'vrrpMachine')
const overslept = inFile('src/vrrp/overslept.ts', 'vrrpMachine')
const router = inFile('src/vrrp/router.ts', 'vrrpMachine')
const flapping = inFile('src/vrrp/flapping.ts', 'vrrpMachine')
const announcing = inFile('src/vrrp/announcing.ts', 'vrrpMachine')
const finding = inFile('src/vrrp/finding.ts', 'vrrpMachine')
const unheard = inFile('src/vrrp/unheard.ts', 'vrrpMachine')
const group = inFile('src/vrrp/group.ts', 'vrrpMachine')
const codec = inFile('src/wire/vrrp.ts', 'vrrpAdverts')
const sum = inFile('src/wire/vrrp-checksum.ts', 'vrrpAdverts')
const receive = inFile('src/vrrp/receive.ts', 'vrrpAdverts')
const set = inFile('src/vrrp/address-set.ts', 'addressSet')
const addresses = inFile('src/vrrp/set-addresses.ts', 'addressSet')
const work = inFile('src/vrrp/rtnl-work.ts', 'addressSet')
const held = inFile('src/vrrp/held-addresses.ts', 'addressSet')
const lingering = inFile('src/vrrp/linger.ts', 'addressSet')
const routes = inFile('src/vrrp/held-routes.ts', 'heldRoutes')
const exchange = inFile('src/vrrp/set-secrets.ts', 'setSecrets')
const keeping = inFile('src/vrrp/set-secrets.ts', 'exchange')
const reading = inFile('src/vrrp/set-secrets.ts', 'addressSet')
const out = inFile('src/vrrp/advert-out.ts', 'addressSet')
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
    '  if (heard.priority === PRIORITY.leaving) {\n',
    '  if (heard.priority < PRIORITY.leaving) {\n',
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
  machine(
    'who leaves is left to nobody else',
    'Math.max(now + skewMs(router, phase.activeAdverMs), state.deferUntil)',
    'now + skewMs(router, phase.activeAdverMs)',
  ),
  machine('nobody is preempted', '  if (mayPreempt) return', '  if (false) return'),
  machine('an owner does not preempt', '(router.preempt || isOwner(router))\n', '(router.preempt)\n'),
  machine('preemption waits for no delay', 'now >= Math.max(preemptAt ?? now, ', 'now >= Math.max('),
  machine('preemption waits for no yield', 'state.holdUntil, state.backOffUntil)', 'state.backOffUntil)'),
  machine('preemption waits for no back-off', 'state.holdUntil, state.backOffUntil)', 'state.holdUntil)'),
  machine(
    'each advert begins the delay anew',
    '(phase.preemptAt ?? now + router.preemptDelayMs)',
    '(now + router.preemptDelayMs)',
  ),
  machine(
    'the interval is not learnt',
    'router.version === 3 ? heard.adverMs : Math.max(router.adverMs, heard.adverMs)',
    'router.adverMs',
  ),
  machine(
    'version 2 learns intervals',
    'router.version === 3 ? heard.adverMs : Math.max(router.adverMs, heard.adverMs)',
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
  flapping('each takeover raises an alarm', 'isAlarmed(flaps) ? undefined : {', 'false ? undefined : {'),
  announcing('announcements are not repeated', 'rules.repeatMs > 0 ?', 'rules.repeatMs < 0 ?'),
  announcing(
    'who claimed addresses has the last word with neighbours',
    "next === 'conflict' && !isTold ? at : now + adverMs",
    'undefined',
  ),
  announcing(
    'whoever claims addresses again and again puts off what neighbours are told',
    "next === 'conflict' && !isTold ? at : now + adverMs",
    'now + adverMs',
  ),
  announcing(
    'what follows a conflict is not repeated',
    "next === 'conflict' || next === 'given' ? announced(now, rules) : refresh(now, rules)",
    'refresh(now, rules)',
  ),
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
  group('each of a group tells that it overslept', 'each === first || !isOverslept(each)', 'true'),
  group(
    'a group that flaps backs off from nothing',
    'backOffUntil: flaps.backOffUntil })',
    'backOffUntil: 0 })',
  ),
  unheard('a priority 0 is somebody heard', 'phase.heard.priority > 0', 'phase.heard.priority >= 0'),
  unheard(
    'who is preempted is unheard',
    "(phase.cause === 'silence' || phase.cause === 'overslept')",
    'true',
  ),
  unheard('each advert tells who is unheard', '!unheard.isTold && now', 'now'),
  unheard('who is heard again is told of at once again', 'now >= unheard.nextAt', 'true'),
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

const instance: readonly Mutant[] = [
  set(
    'who leaves in order does not wait for another one',
    "if (how === undefined || !this.#addresses.isHeld || (how === 'followed' && isVirtual))",
    'if (true)',
  ),
  set('who is followed holds what is not there yet', '!this.#addresses.isHeld || ', ''),
  set('who is followed has the virtual MAC, too', " || (how === 'followed' && isVirtual)", ''),
  set('who leaves in order drops the virtual MAC', "(how === 'followed' && isVirtual)", 'isVirtual'),
  set('who is followed goes on telling neighbours', '    this.#addresses.hush()\n', ''),
  set('who is followed takes addresses again', 'if (this.#lingering?.isFollowed) this', 'if (false) this'),
  set(
    'who is not followed yet takes none again',
    'if (this.#lingering?.isFollowed) this',
    'if (this.#lingering) this',
  ),
  set('who overslept lingers', 'hasOverslept ? undefined : linger', 'linger'),
  set(
    'a link that fails leaves the addresses until another node is heard',
    'if (this.isLingering && !canServe) this',
    'if (false) this',
  ),
  set('who left for good begins again', '      if (this.#isOver) return\n', ''),
  lingering(
    'who is followed holds the addresses as long as nobody follows',
    'Math.min(before?.until ?? until, until)',
    'before?.until ?? until',
  ),
  lingering('who is followed again holds them longer', 'Math.min(before?.until ?? until, until)', 'until'),
  set(
    'who heard another node goes on holding the addresses',
    'if (this.isLingering && judged.heard.priority > 0)',
    'if (this.isLingering && judged.heard.priority > 255)',
  ),
  set(
    'adverts that do not leave are no fault',
    "if (failed !== undefined) this.#fitness.fail('sending', failed, now)",
    "if (failed === '') this.#fitness.fail('sending', failed, now)",
  ),
  addresses(
    'an answer that does not come is waited for',
    '    if (taken.answerBy !== undefined) {',
    '    if (false) {',
  ),
  addresses(
    'what was not tried is not asked for again',
    '        this.#order(taken.how, taken.what, taken.lease, taken.answerBy)\n',
    '',
  ),
  addresses(
    'addresses that could not be taken are no fault',
    '        this.#options.onFailed(held.why)\n',
    '',
  ),
  addresses(
    'neighbours are told before addresses are there',
    'if (this.#isTaking && host.now() < this.#tellAt)',
    'if (false)',
  ),
  addresses(
    'neighbours are told when addresses are there at last',
    'TELL_WITHIN_MS = LINGER.followedMs',
    'TELL_WITHIN_MS = 5 * LINGER.followedMs',
  ),
  addresses('neighbours are told late', '        this.#tellUntold()\n        return', '        return'),
  addresses(
    'neighbours are told what is not there',
    '        this.#untold.clear()\n        this.#taken',
    '        this.#taken',
  ),
  work(
    'an old order is carried out',
    'if (this.#options.now() > at + STALE_MS)',
    'if (this.#options.now() < at)',
  ),
  held('an address that somebody else put there is held', '&& !isOurs(each))', '&& isOurs(each))'),
  exchange('a new key signs at once', 'keys: signed ? [signed] : ', 'keys: '),
  keeping(
    'another interval or password is sent at once',
    'now < this.#rulesUntil && this.#formerRules',
    'false',
  ),
  keeping(
    'after another change what the file said before is sent, and not what was',
    'this.#formerRules = sent',
    'this.#formerRules = rules',
  ),
  exchange(
    'what is signed with a key that was taken away counts for nobody',
    'keys.length === 0 ? [] : [...keys, ...former]',
    'keys',
  ),
  exchange('what was right before counts no longer than it is sent', 'now + TAKE_MS', 'now + KEEP_MS'),
  exchange(
    'an active node takes adverts without a trailer',
    "'trailer-missing' && isBackup && now",
    "'trailer-missing' && now",
  ),
  reading(
    'a key file that is damaged takes the role',
    'return this.#isHeld ? undefined : this.#failed',
    'return this.#failed',
  ),
  reading(
    'any key will do that was read once',
    'this.#readFor === JSON.stringify(this.#auth)',
    'this.#readFor !== undefined',
  ),
  reading(
    'a start is not counted before a set may be active',
    'if (secrets.keys.length > 0) this.#numbers.begin()',
    '',
  ),
  out('priority 0 that waits is sent by who is active again', '    this.#unsent.drop(member.name)\n', ''),
  addresses(
    'addresses that are left are announced still',
    'for (const member of this.#taken?.what.members ?? []) this.#options.unsent.drop(announcementOf(member))',
    '',
  ),
  work('routes are left after the addresses', '    held.routes.leave()\n', ''),
  routes(
    'a route stays with an address that stays',
    'isIp4(route.source!) && staying.has(route.source)',
    'false',
  ),
  routes(
    'a route without its source is as it was',
    'there !== undefined && there.source === route.source',
    'there !== undefined',
  ),
  routes(
    'a route that lost its source stands in the way of the whole one',
    '        if (there) this.#network.removeStaticRoute(there)\n        this.#network.add',
    '        this.#network.add',
  ),
  routes(
    'routes that are wanted no more stay',
    '    this.#remove(this.#wanted.filter((each) => !words.has(wordsOf(each))))\n',
    '',
  ),
  receive('a start before one that was heard is no finding', "admitted.kind === 'old-boot'", 'false'),
]

/** vrrpMutants: all of them. */
export const vrrpMutants: readonly Mutant[] = [...states, ...together, ...adverts, ...instance]
