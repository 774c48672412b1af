import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, beforeEach, test } from 'node:test'
import { unmount } from '../sys/mount.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { isErrno } from '../sys/syscall.ts'
import { Attr, bpfFd, cText } from './bpf.ts'
import { handCode, returning } from './hand-code.ts'
import { attachXdp, XdpLink } from './link.ts'
import { ensureBpffs, PinDirectory } from './pin.ts'
import { type BpfProgram, loadProgram } from './program.ts'
import { xdpLinks } from './query.ts'

// A namespace of our own with a veth pair; index and program of `tb0` are asked from iproute2, not from us.
//
//   [ tb0 ]----[ tb1 ]

const namespace = NetworkNamespace.create()
after(() => namespace[Symbol.dispose]())

const ip = (...words: string[]): string =>
  namespace.run(() => execFileSync('ip', words, { encoding: 'utf8' }))
interface Shown {
  readonly ifindex: number
  readonly xdp?: { readonly mode: number; readonly prog: { readonly id: number } }
}
const show = (name: string): Shown => (JSON.parse(ip('-j', '-d', 'link', 'show', name)) as [Shown])[0]
const attachedId = (name: string): number | undefined => show(name).xdp?.prog.id

beforeEach(() => void ip('link', 'add', 'tb0', 'type', 'veth', 'peer', 'name', 'tb1'))
afterEach(() => void namespace.run(() => spawnSync('ip', ['link', 'del', 'tb0'])))

const load = (name: string, verdict = 2): BpfProgram =>
  loadProgram({ name, code: handCode(...returning(verdict)), relocations: [], maps: [], flags: 0 }).program
const attach = (program: BpfProgram, mode: 'native' | 'generic' = 'native'): XdpLink =>
  namespace.run(() => XdpLink.attach(program, { ifindex: show('tb0').ifindex, name: 'tb0' }, mode))
const code = (expected: string, message?: RegExp) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, expected, String(error))
  if (message) assert.match(String((error as Error).message), message)
  return true
}

/** XDP_ATTACHED_*: how the kernel says that a program is attached (linux/if_link.h). */
const DRIVER = 1
const GENERIC = 2

test('a link puts the program on the interface, in the mode asked for, and takes it off when closed', () => {
  using program = load('tb_first')
  for (const [mode, shown] of [
    ['native', DRIVER],
    ['generic', GENERIC],
  ] as const) {
    const link = attach(program, mode)
    const { ifindex, xdp } = show('tb0')
    assert.deepEqual([xdp?.mode, xdp?.prog.id], [shown, program.info.id])
    const { id, ...info } = link.info()
    assert.deepEqual(info, { programId: program.info.id, ifindex })
    assert.ok([...xdpLinks()].some((other) => other.id === id))
    assert.equal(link.isSevered, false)
    link[Symbol.dispose]()
    assert.equal(attachedId('tb0'), undefined)
  }
})

test('a second program on an interface is refused and the one that is there is named, with its link', () => {
  using program = load('tb_first')
  using other = load('tb_second')
  using link = attach(program)
  const { id: linkId } = link.info()
  const said = new RegExp(
    `attach to tb0: .*program ${program.info.id} \\("tb_first", tag .*by link ${linkId}`,
  )
  assert.throws(() => attach(other), code('XDP_OCCUPIED', said))
  assert.throws(() => attach(other, 'generic'), code('XDP_OCCUPIED'))
  const { ifindex } = show('tb0')
  const ask = () => attachedId('tb0')
  const exact = new RegExp(
    `^attach to interface ${ifindex}: program ${program.info.id} .* by link ${linkId}$`,
  )
  assert.throws(
    () => namespace.run(() => attachXdp(other, { ifindex, attachedId: ask })),
    code('XDP_OCCUPIED', exact),
  )
  assert.equal(attachedId('tb0'), program.info.id)
})

test('a program that was attached by netlink is in the way too, and named where netlink is asked', () => {
  using program = load('tb_netlink')
  using other = load('tb_second')
  const { ifindex } = show('tb0')
  namespace.run(() =>
    execFileSync('bpftool', ['net', 'attach', 'xdpdrv', 'id', String(program.info.id), 'dev', 'tb0']),
  )
  assert.throws(
    () =>
      namespace.run(() => XdpLink.attach(other, { ifindex, attachedId: () => attachedId('tb0') }, 'native')),
    code('XDP_OCCUPIED', /: program \d+ \("tb_netlink", tag [0-9a-f]{16}\) is attached there$/),
  )
  assert.throws(
    () => namespace.run(() => XdpLink.attach(other, { ifindex, name: 'tb0' }, 'native')),
    code('XDP_OCCUPIED'),
  )
})

test('nobody takes a linked program off by netlink', () => {
  using program = load('tb_first')
  using _link = attach(program)
  const off = namespace.run(() =>
    spawnSync('ip', ['link', 'set', 'dev', 'tb0', 'xdp', 'off'], { encoding: 'utf8' }),
  )
  assert.notEqual(off.status, 0)
  assert.equal(attachedId('tb0'), program.info.id)
})

test('an update replaces the program; with one expected only that one', () => {
  using first = load('tb_first')
  using second = load('tb_second')
  using third = load('tb_third')
  using link = attach(first)
  link.update(second)
  assert.equal(attachedId('tb0'), second.info.id)
  assert.throws(
    () => link.update(third, first),
    code('LINK_CHANGED', /program \d+ \("tb_second", tag .* is on it/),
  )
  assert.equal(attachedId('tb0'), second.info.id)
  link.update(third, second)
  assert.equal(attachedId('tb0'), third.info.id)
})

test('a link whose interface has gone is severed, and says so instead of doing nothing', () => {
  using first = load('tb_first')
  using second = load('tb_second')
  using link = attach(first)
  ip('link', 'del', 'tb0')
  assert.equal(link.isSevered, true)
  assert.throws(() => link.update(second), code('LINK_SEVERED'))
  assert.throws(() => link.update(second, first), code('LINK_SEVERED'))
  link.detach()
})

test('detaching frees the interface at once, though others hold the link, and a new link can be made', () => {
  using program = load('tb_first')
  using link = attach(program)
  using held = XdpLink.adopt(link.fd.duplicate())
  link.detach()
  assert.equal(attachedId('tb0'), undefined)
  assert.equal(held.isSevered, true)
  using _again = attach(program)
  assert.equal(attachedId('tb0'), program.info.id)
})

test('a driver without XDP gets the program in generic mode, and why is said', () => {
  using program = load('tb_first')
  const attached = namespace.run(() => attachXdp(program, { ifindex: 1, name: 'lo' }))
  using _link = attached.link
  assert.equal(attached.mode, 'generic')
  assert.match(attached.why ?? '', /^EOPNOTSUPP: /)
  const veth = namespace.run(() => attachXdp(program, { ifindex: show('tb0').ifindex }))
  using _other = veth.link
  assert.deepEqual([veth.mode, veth.why], ['native', undefined])
})

test('an interface that is not there is refused by the first refusal', () => {
  using program = load('tb_first')
  assert.throws(
    () => attachXdp(program, { ifindex: 0x7fff_ffff, name: 'gone0' }),
    (error) => isErrno(error, 'EINVAL', 'ENODEV') && error.op === 'attach to gone0',
  )
})

test('a pinned link goes on without us, and is found, updated and ended by the next one', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tenbin-link-'))
  t.after(() => {
    unmount(root)
    rmdirSync(root)
  })
  ensureBpffs(root)
  using program = load('tb_first')
  using next = load('tb_second')
  const pins = PinDirectory.open('one', root)
  const made = attach(program)
  pins.pin('link', made.fd)
  const { id } = made.info()
  made[Symbol.dispose]()
  assert.equal(attachedId('tb0'), program.info.id)
  using found = XdpLink.adopt(pins.get('link')!)
  assert.equal(found.info().id, id)
  found.update(next, program)
  assert.equal(attachedId('tb0'), next.info.id)
  pins.remove()
  found[Symbol.dispose]()
  assert.equal(attachedId('tb0'), undefined)
})

test('what is no XDP link is not taken for one', () => {
  const program = load('tb_first')
  assert.throws(
    () => XdpLink.adopt(program.fd),
    code('BPF_OBJECT_UNEXPECTED', /this is a program, not a link/),
  )
  // A program of another type on the namespace itself: BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR.
  const instructions = handCode(...returning(0))
  const attr = new Attr().u32(0, 22).u32(4, 2).pointer(8, instructions).pointer(16, cText('GPL'))
  using dissector = bpfFd('BPF_PROG_LOAD', 'load', attr)
  const link = new Attr().u32(0, dissector.number).u32(4, namespace.fd.number).u32(8, 17)
  const fd = bpfFd('BPF_LINK_CREATE', 'attach', link)
  assert.ok(![...xdpLinks()].some(({ programId }) => programId === 0))
  assert.throws(() => XdpLink.adopt(fd), code('BPF_OBJECT_UNEXPECTED', /not of XDP/))
  assert.equal(fd.isOpen, false)
})
