// tenbin init on machines that are made for it: namespaces with NICs, addresses and default routes of the kernel.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { NetworkNamespace } from '../sys/namespace.ts'
import { capture } from './captured.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'init-'))
})
after(() => rmSync(dir, { recursive: true }))

/** onMachine runs `body` in a namespace that ip(8) has set up by these words, a command each. */
async function onMachine(commands: readonly string[], body: () => Promise<void>): Promise<void> {
  using home = NetworkNamespace.current()
  using machine = NetworkNamespace.create()
  machine.enter()
  try {
    for (const words of commands) execFileSync('ip', words.split(' '))
    await body()
  } finally {
    home.enter()
  }
}

const nic = (name: string, ...addresses: string[]): string[] => [
  `link add ${name} type veth peer name peer-${name}`,
  `link set ${name} up`,
  `link set peer-${name} up`,
  ...addresses.map((address) => `address add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`),
]

test(
  'the first file of a machine with two NICs and both families passes tenbin check on it as it is',
  {
    skip,
  },
  () =>
    onMachine(
      [
        ...nic('lan0', '10.9.0.2/24'),
        ...nic('wan0', '198.51.100.7/26', '2001:db8:5::7/64'),
        'route add default via 198.51.100.1 dev wan0',
        '-6 route add default via 2001:db8:5::1 dev wan0',
      ],
      async () => {
        const path = join(dir, 'tenbin.yaml')
        const made = await capture(['init', path])
        assert.equal(made.code, 0, made.err)
        assert.match(made.out, /^wrote .*tenbin\.yaml: 3 lines with an arrow \(<--\) hold guesses\n/)
        assert.equal(statSync(path).mode & 0o777, 0o644)
        assert.deepEqual(readdirSync(dir), ['tenbin.yaml'])
        const text = readFileSync(path, 'utf8')
        assert.match(text, /\n {2}lan: wan0\n/)
        assert.match(
          text,
          /wan0 {7}198\.51\.100\.7\/26 2001:db8:5::7\/64, default route by 198\.51\.100\.1, default route by 2001:db8:5::1/,
        )
        assert.match(text, /lan0 {7}10\.9\.0\.2\/24, veth\n/)
        const checked = await capture(['check', path])
        assert.equal(checked.code, 0, checked.out + checked.err)
        assert.match(checked.out, /this machine\n/)
        assert.doesNotMatch(checked.out, /warning|error/)

        const again = await capture(['init', path, '--json'])
        assert.equal(again.code, 1)
        assert.equal((JSON.parse(again.out) as { error: { code: string } }).error.code, 'FILE_EXISTS')
        assert.equal(readFileSync(path, 'utf8'), text)
        for (const words of [['init'], ['init', '-']]) assert.equal((await capture(words)).out, text)
        const json = JSON.parse((await capture(['init', '--json'])).out) as Record<string, unknown>
        assert.deepEqual(json, { marks: 3, text })
      },
    ),
)

test('the first file of a machine with IPv6 alone passes tenbin check on it', { skip }, () =>
  onMachine([...nic('eth0', '2001:db8:9::2/64'), '-6 route add default via fe80::1 dev eth0'], async () => {
    const path = join(dir, 'six.yaml')
    assert.equal((await capture(['init', path])).code, 0)
    const { code, out } = await capture(['check', path])
    assert.equal(code, 0, out)
    assert.match(out, /addresses +2001:db8:9::100\/64\n/)
  }),
)

test('a machine with nothing but loopback gets a file that can be read', { skip }, () =>
  onMachine([], async () => {
    const path = join(dir, 'bare.yaml')
    assert.equal((await capture(['init', path])).code, 0)
    assert.match(readFileSync(path, 'utf8'), /This machine has no Ethernet NIC/)
    assert.equal((await capture(['check', '--file-only', path])).code, 0)
  }),
)

test('a folder that is not there, or a file in its place, is FILE_UNWRITABLE and nothing is made', async () => {
  writeFileSync(join(dir, 'plain'), '')
  for (const path of [join(dir, 'none', 'a.yaml'), join(dir, 'plain', 'a.yaml')]) {
    const { code, out } = await capture(['init', path, '--json'])
    assert.equal(code, 1)
    assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'FILE_UNWRITABLE')
  }
})
