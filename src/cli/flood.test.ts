import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { textOf } from '../config/refusals.fixture.ts'
import { apiApp } from '../daemon/api-app.ts'
import type { FloodAnswer } from '../daemon/api-flood.ts'
import type { Operations } from '../daemon/api-routes.ts'
import { serveApi } from '../daemon/api-server.ts'
import type { FloodCommand } from '../daemon/flood-meaning.ts'
import { openLog } from '../daemon/log.ts'
import { noFlood } from '../daemon/no-flood.fixture.ts'
import { optionsOf } from '../flood/rule-text.ts'
import { capture } from './captured.ts'
import { paintFor } from './context.ts'
import { floodLines } from './flood-lines.ts'

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'flood-'))
})
after(() => rmSync(dir, { recursive: true }))

const service: FloodAnswer['services'][number] = {
  name: 'www',
  verdict: 'syn-flood',
  text: 'www: SYN flood, 98,400/s, 99.7 % never completed, 97 % have window 0 and no options, 41,000 sources in 10 s; suggested rule: takes 97 % of it, of 256 SYNs of clients it would have dropped none: tenbin flood add www-flood --tcp syn --window 0 --options none --service www --action drop --for 1h',
  since: '2024-01-02T03:04:05.000Z',
  ...{ openingsPerS: 98_400, othersPerS: 600, udpPerS: 0, slow: 0, completed: 0.003, sources: 41_000 },
  usual: { openingsPerS: 100, othersPerS: 600, udpPerS: 0, slow: 2 },
  ...{ proof: 'auto', isUnderProof: true, serversUp: 10, servers: 10, checkMs: 4.2 },
  users: { perS: 48, completed: 0.992 },
}
const seen: FloodAnswer = {
  ...noFlood,
  isOn: true,
  incidents: [
    { service: 'www', verdict: 'syn-flood', since: service.since!, text: service.text, perS: 98_400 },
  ],
  services: [service],
  straysPerS: 12,
  rules: [
    {
      ...{ name: 'night', action: 'limit', perSecond: 100, from: 'hand', until: '2024-01-02T04:04:05.000Z' },
      ...{ matches: '--tcp syn --window 0', services: ['www'], opening: '1234567', others: '3', perS: 1000 },
    },
  ],
  rates: { challenged: 97_000, rule: 0 },
  sources: [{ network: '198.18.0.7', share: 0.25 }],
  memoryBytes: 8_400_000,
}

/** asked: a command line against a daemon that answers so. */
async function asked(line: string, order: Operations['flood']['order'], answer = seen) {
  const socket = join(dir, 'tenbin.sock')
  const log = openLog({ level: 'error', pretty: false, colour: false, write: () => undefined })
  const operations = { flood: { answer: () => answer, order } } as unknown as Operations
  const server = await serveApi(socket, apiApp(operations, log))
  try {
    return await capture(`${line} --socket ${socket}`.split(' '))
  } finally {
    await server.close()
  }
}

const done: Operations['flood']['order'] = () =>
  Promise.resolve({ about: 'rule night', changed: true, kept: true, notes: ['lb2 could not be told'] })

/** given: the order that a command line becomes. */
async function given(line: string): Promise<FloodCommand> {
  const commands: FloodCommand[] = []
  const { code, err } = await asked(line, (command) => {
    commands.push(command)
    return done(command)
  })
  assert.equal(code, 0, err)
  return commands[0]!
}

test('what is said on the command line is what the daemon is told', async () => {
  assert.deepEqual(
    await given(
      'flood add night --tcp syn --window 0 --options none --length 40..60 --ttl 200..255 --source 203.0.113.0/24,198.51.100.7 --ports 80,8000..8099 --payload 0:dead --service www,img --action 100/s --record --observe',
    ),
    {
      ...{ kind: 'add', name: 'night', isObserved: true },
      rule: {
        ...{ tcp: 'syn', window: 0, options: 'none', length: '40..60', ttl: '200..255', record: true },
        source: ['203.0.113.0/24', '198.51.100.7'],
        ports: [80, '8000..8099'],
        payload: [{ at: 0, bytes: 'dead' }],
        services: ['www', 'img'],
        action: { limit: '100/s' },
      },
    },
  )
  assert.deepEqual(await given('flood remove night'), { kind: 'remove', name: 'night' })
  assert.deepEqual(await given('flood unban 192.0.2.1'), { kind: 'unban', source: '192.0.2.1' })
  assert.deepEqual(await given('flood proof on --service www'), { kind: 'proof', mode: 'on', service: 'www' })
  const ban = await given('flood ban 2001:db8::/48 --until 2030-01-31T06:00:00Z')
  assert.deepEqual(ban, { kind: 'ban', source: '2001:db8::/48', untilMs: Date.parse('2030-01-31T06:00:00Z') })
  const sources = ['203.0.113.0/24', '2001:db8::/48']
  assert.deepEqual(await given('flood allow 203.0.113.0/24 2001:db8::/48'), { kind: 'allow', sources })
  assert.deepEqual(await given('flood disallow 203.0.113.0/24 2001:db8::/48'), { kind: 'disallow', sources })
  assert.deepEqual(await given('flood only off'), { kind: 'only', isOn: false })
  const before = Date.now()
  const { untilMs } = (await given('flood ban 192.0.2.1 --for 1h')) as { untilMs: number }
  assert.ok(untilMs >= before + 3_600_000 && untilMs <= Date.now() + 3_600_000)
})

test('the words that a rule is shown in are those that add it', () => {
  const texts = [
    '--tcp syn --window 0 --options none --length 40..60 --ttl 243',
    '--udp any --source 203.0.113.0/24,198.51.100.7 --source-ports 123,1900..1901 --payload 0:dead',
    '--tcp syn+ack --destination 192.168.8.100 --ports 80',
    '--tcp none',
    '--tcp any --window 1',
  ]
  for (const text of texts) {
    const keys = [...text.matchAll(/--(\S+) (\S+)/g)].map(([, key, value]) => {
      const items = value!.split(',').map((each) => {
        const [at, bytes] = each.split(':')
        return key === 'payload' ? `{ at: ${at}, bytes: "${bytes}" }` : each
      })
      return `${key!.replace('-', '_')}: ${items.length === 1 ? items[0] : `[${items.join(', ')}]`}`
    })
    const listen = '[192.168.8.100:80, "192.168.8.100:53/udp"]'
    const services = `services: { www: { listen: ${listen}, servers: web01, check: none } }`
    const extra = `defence: { rules: { night: { ${keys.join(', ')} } } }`
    const { defence } = load('t', textReader({ t: textOf({ services, extra }) }))
    assert.equal(optionsOf(defence!.rules[0]!.match), text)
  }
})

test('an order says what holds now, and what the operator ought to know', async () => {
  const { code, out } = await asked('flood add night --tcp syn --window 0 --action drop', done)
  assert.equal(code, 0)
  assert.equal(out, 'rule night drops\n  note: lb2 could not be told\n')
  const json = await asked('flood proof auto --json', done)
  assert.equal(JSON.parse(json.out).about, 'rule night')
})

test('what the daemon refuses is told with its remedy, and what nobody can read is a usage error', async () => {
  const refused = await asked('flood remove nigt', () =>
    Promise.reject(
      new TenbinError('FLOOD_ORDER_REFUSED', 'flood remove', { detail: 'there is no rule "nigt"' }),
    ),
  )
  assert.equal(refused.code, 1)
  assert.match(refused.err, /there is no rule "nigt"/)
  for (const [line, words] of [
    ['flood add night --payload dead', /--payload takes offset and bytes/],
    ['flood ban 192.0.2.1 --for soon', /--for: "soon" is not a duration/],
    ['flood ban 192.0.2.1 --until soon', /--until takes a time/],
    ['flood ban 192.0.2.1 --until 2030-01-01 --for 1h', /--for and --until at once/],
    ['flood only maybe', /write tenbin flood only on or off, not "maybe"/],
    ['flood proof maybe', /write tenbin flood proof on, off or auto/],
    ['flood add night --options any', /none, some/],
    ['flood add night --window 70000', /--window: expected a whole number from 0 to 65535, not "70000"/],
    ['flood add night --ttl 9..3', /--ttl: 9\.\.3 runs backwards: write 3\.\.9/],
    ['flood add night --tcp synn', /--tcp: "synn" is no flag of TCP: write syn/],
    ['flood add night --source 10.0.0.1/8', /--source: 10\.0\.0\.1\/8 has bits .* write 10\.0\.0\.0\/8/],
    ['flood add night --destination 10.0.0.1,2001:db8::1', /--destination: IPv4 and IPv6 do not mix/],
    ['flood add night --source-ports 53,70000', /--source-ports: expected .* not "70000"/],
    ['flood add night --ports http', /--ports: "http" is no range/],
    ['flood add night --length 40...60', /--length: "40\.\.\.60" is no range/],
    ['flood add night --udp any --window 0', /--window: window is of TCP, and the rule says udp/],
    ['flood add night --payload 1500:dead', /--payload: expected .* from 0 to 1400, not "1500"/],
    ['flood add night --payload 0:dea', /--payload: "dea" is not 1 to 16 bytes/],
    ['flood add night --tcp syn --action 100', /--action: "100" is no rate: write 100\/s/],
  ] as const) {
    const { code, err } = await asked(line, done)
    assert.equal(code, 2, line)
    assert.match(err, words)
  }
})

test('floods are shown with their sentence, their figures and the rules against them', async () => {
  const { code, out } = await asked('flood', done)
  assert.equal(code, 0)
  assert.match(out, /www: SYN flood, 98,400\/s, 99\.7 % never completed/)
  assert.match(out, /^dropped {2}challenged 97\.0k\/s$/m)
  assert.match(out, /^sources {2}198\.18\.0\.7 25\.0 %$/m)
  assert.match(out, /^users {4}www: of 48 connections\/s that pass 99\.2 % go on$/m)
  assert.match(
    out,
    /^www +SYN flood +98\.4k +100 +600( +0)?( +0)? +0\.3 % +41,000 +asked( +4\.2ms)?( +10\/10)?$/m,
  )
  assert.match(
    out,
    /^night +100\/s +1,234,567 +3 +1\.0k +hand until 2024-01-02T04:04Z +--tcp syn --window 0 --service www$/m,
  )
  assert.deepEqual(JSON.parse((await asked('flood --json', done)).out), seen)
  for (const line of out.split('\n').slice(0, -3)) assert.ok(line.length <= 80, line)
  const rules = await asked('flood rules', done)
  assert.match(rules.out, /^RULE +ACTION/)
  assert.deepEqual(JSON.parse((await asked('flood rules --json', done)).out), { rules: seen.rules })
  const off = await asked('flood', done, noFlood)
  assert.equal(off.out, 'there is no defence: the file says off, or nothing is applied yet\n')
})

test('what is of all services, of none, and slow is shown with its sentence', () => {
  const since = '2024-01-02T03:04:05.000Z'
  const incidents = (['carpet', 'slow'] as const).map((verdict, i) => ({
    ...{ verdict, since, perS: 9_000 },
    ...{
      service: ['no service', 'all services'][i]!,
      text: `${['no service', 'all services'][i]}: it is ${verdict}`,
    },
  }))
  const answer: FloodAnswer = { ...seen, services: [{ ...service, slow: 480 }], incidents, straysPerS: 9_000 }
  const lines = floodLines(answer, paintFor(false), 200, Date.parse(since) + 60_000)
  assert.deepEqual(lines.slice(0, 2), [
    'for 1m  no service: it is carpet',
    'for 1m  all services: it is slow',
  ])
  assert.ok(lines.some((line) => /^strays +9\.0k\/s to what nobody has here$/.test(line)))
  assert.ok(lines.some((line) => /^www .* 480 /.test(line)))
})

test('who is allowed by hand, and whether alone, is shown with its end', () => {
  const at = '2024-01-02T03:04:05.000Z'
  const allowed = ['203.0.113.0/24', '198.51.100.7'].map((source) => ({ source, since: at }))
  const answer: FloodAnswer = { ...seen, allowed, only: { isOn: true, from: 'hand', until: at } }
  const lines = floodLines(answer, paintFor(false), 80, 0)
  assert.ok(lines.includes('allowed  203.0.113.0/24, 198.51.100.7'))
  assert.ok(lines.includes('only     who is not allowed is dropped, by hand until 2024-01-02T03:04Z'))
  assert.ok(!floodLines(seen, paintFor(false), 80, 0).some((line) => /^(only|allowed)/.test(line)))
})

test('who is banned is named with the end of it, as many as have room, and the others are counted', () => {
  const ban = (host: number) => ({ source: `192.0.2.${host}`, since: '2024-01-02T03:00:00.000Z' })
  const until = '2024-01-02T03:04:05.000Z'
  const lineOf = (bans: FloodAnswer['bans'], unnamedBans: number) =>
    floodLines({ ...seen, bans, unnamedBans }, paintFor(false), 2_000, 0).find((line) => /^banned/.test(line))
  assert.equal(
    lineOf(
      [
        { ...ban(1), from: 'hand' },
        { ...ban(2), from: 'packets', until },
      ],
      3,
    ),
    'banned   192.0.2.1, 192.0.2.2 until 2024-01-02T03:04Z, 3 more',
  )
  assert.equal(lineOf([], 3), 'banned   3')
  assert.equal(lineOf([], 0), undefined)
  const many = Array.from({ length: 30 }, (_, i) => ({ ...ban(i), from: 'hand' as const }))
  assert.match(lineOf(many, 1)!, /192\.0\.2\.19, 11 more$/)
})

test('sources say of which packets they are, and users are told of where defence stops connections', () => {
  const lines = (change: Partial<FloodAnswer>) =>
    floodLines({ ...seen, ...change }, paintFor(false), 80, Date.parse(service.since!)).join('\n')
  assert.match(lines({ sourcesOf: 'udp' }), /^sources +of UDP: 198\.18\.0\.7 25\.0 %$/m)
  assert.match(lines({ sourcesOf: 'other' }), /^sources +of TCP without SYN: 198\.18\.0\.7/m)
  const { since: _, ...calm } = { ...service, openingsPerS: 100 }
  assert.match(
    lines({ services: [{ ...calm, users: { perS: 40 } }] }),
    /^users +www: of 40 connections\/s that pass too few are recorded$/m,
  )
  assert.doesNotMatch(lines({ services: [{ ...calm, users: { perS: 100, completed: 1 } }] }), /^users/m)
})

test('without a flood that is said first, and no line with figures is there for nobody', () => {
  const calm = { ...seen, straysPerS: 0, incidents: [], services: [], rules: [], rates: {}, sources: [] }
  assert.deepEqual(floodLines(calm, paintFor(false), 80, 0), [
    'no flood',
    'dropped  nothing',
    'memory   8.4 MB',
  ])
})
