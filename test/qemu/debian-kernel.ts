// Debian's own kernel, to be booted and not installed: its package is downloaded and what a guest needs of it unpacked
// into .setup/kernel, once. Left out: other architectures than x86-64, other distributions.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Kernel: a bootable file, and modules with their dependencies in the order in which to load them. */
export interface Kernel {
  readonly image: string
  readonly release: string
  /** modules: files of the named modules and of what they need, those needed first. */
  modules(names: readonly string[]): readonly string[]
}

/** Parts of the package that a guest with virtio, 9p and veth needs; all of it would be 300 MB. */
const wanted = [
  './boot/vmlinuz-*',
  './lib/modules/*/modules.*',
  ...['drivers/virtio', 'drivers/net/veth.ko', 'fs/9p', 'fs/netfs', 'fs/fscache', 'net/9p'].map(
    (part) => `./lib/modules/*/kernel/${part}*`,
  ),
]

const run = (command: string, args: readonly string[], cwd?: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

/** unpack puts the kernel into `folder`, whole or not at all. */
function unpack(folder: string): void {
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const name = /Depends: (linux-image-\S+)/.exec(run('apt-cache', ['depends', 'linux-image-amd64']))?.[1]
  if (name === undefined) throw new Error('apt knows no linux-image-amd64: apt-get update, on Debian')
  console.error(`fetching ${name} (70 MB) into .setup/`)
  run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', name], partial)
  const deb = readdirSync(partial).find((file) => file.endsWith('.deb')) ?? ''
  const script = 'dpkg-deb --fsys-tarfile "$1" | (shift; tar -x --wildcards "$@")'
  run('sh', ['-c', script, 'unpack', deb, ...wanted], partial)
  const [release = ''] = readdirSync(join(partial, 'lib/modules'))
  run('depmod', ['-b', partial, release])
  rmSync(join(partial, deb))
  renameSync(partial, folder)
}

/** modulesInOrder reads modules.dep: `names` as files relative to its folder, each after what it needs. */
export function modulesInOrder(dependencies: string, names: readonly string[]): readonly string[] {
  const needs = new Map(
    dependencies
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [file = '', rest = ''] = line.split(':')
        return [file, rest.split(' ').filter(Boolean)] as const
      }),
  )
  const order = new Set<string>()
  const add = (file: string): void => {
    for (const needed of needs.get(file) ?? []) if (!order.has(needed)) add(needed)
    order.add(file)
  }
  for (const name of names) {
    const file = [...needs.keys()].find((file) => file.endsWith(`/${name}.ko`))
    if (file === undefined) throw new Error(`this kernel has no module ${name}`)
    add(file)
  }
  return [...order]
}

/** debianKernel: the kernel under `project`/.setup/kernel, fetched when it is not there. */
export function debianKernel(project: string): Kernel {
  const folder = join(project, '.setup/kernel')
  if (!existsSync(folder)) unpack(folder)
  const [release = ''] = readdirSync(join(folder, 'lib/modules'))
  const modules = join(folder, 'lib/modules', release)
  return {
    image: join(folder, 'boot', `vmlinuz-${release}`),
    release,
    modules: (names) =>
      modulesInOrder(readFileSync(join(modules, 'modules.dep'), 'utf8'), names).map((file) =>
        join(modules, file),
      ),
  }
}
