// npm run deb: build/tenbin_VERSION_ARCH.deb, a package for Debian 12 and later and what descends from it. It carries the
// Node that it is built with, because Debian's own may be older than what tenbin needs; so it needs the C and C++ libraries
// alone. Its idea: a tree in a temporary folder, handed to dpkg-deb; no debhelper, which Debian's build machines have and
// others do not. Left out: signing, a repository, source packages.
//
//   npm run deb                                 for distributing
//   npm run deb -- --into FOLDER --version V    for trying it: another place, another version; --quick: not compressed

import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build, isStale } from './build.mjs'
import { npmPackages } from './setup/npm.mjs'
import { main, root, run, SetupError, say } from './setup/process.mjs'

/** Debian's names of the architectures that koffi has its native part for. @type {Readonly<Record<string, string>>} */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' }
const HOME = 'usr/lib/tenbin'
const DOC = 'usr/share/doc/tenbin'
const DOCS = ['README.md', 'docs/tenbin.example.yaml', 'docs/api.md', 'docs/counters.md', 'docs/errors.md']
const MORE_DOCS = ['docs/events.md', 'docs/metrics.md', 'docs/packet-path.md']
const SCRIPTS = ['postinst', 'prerm', 'postrm']

/** Where a Node has its licence, seen from its binary: archives of nodejs.org, packages. */
const NODE_LICENCES = ['../LICENSE', '../share/doc/nodejs/LICENSE', '../share/doc/nodejs/copyright']

function nodeLicence() {
  const file = NODE_LICENCES.map((place) => join(dirname(process.execPath), place)).find((place) =>
    existsSync(place),
  )
  if (file === undefined)
    throw new SetupError(`the licence of ${process.execPath} is not beside it: use a Node of nodejs.org`)
  return readFileSync(file, 'utf8')
}

/** copyright: of all that is inside. */
const copyright = () =>
  [
    ['tenbin', readFileSync(join(root, 'LICENSE'), 'utf8')],
    ['packages in /usr/lib/tenbin/dist', readFileSync(join(root, 'dist/LICENSES'), 'utf8')],
    ['koffi', readFileSync(join(root, 'node_modules/koffi/LICENSE.txt'), 'utf8')],
    [`Node.js ${process.version}`, nodeLicence()],
  ]
    .map(([name, text]) => `${name}\n${'='.repeat(name?.length ?? 0)}\n\n${text?.trim()}\n`)
    .join('\n')

/** control: what dpkg is to know. @param {{ version: string, architecture: string, description: string, kilobytes: number }} of */
const control = ({ version, architecture, description, kilobytes }) => `Package: tenbin
Version: ${version}
Architecture: ${architecture}
Maintainer: tenbin <tenbin@localhost>
Installed-Size: ${kilobytes}
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8)
Suggests: ethtool, iproute2
Section: net
Priority: optional
Description: ${description}
 One short file says what to balance. tenbin generates an XDP program for exactly
 that file, loads it into the kernel, watches the servers and holds the addresses
 together with its peer. Linux 6.1 or newer.
`

/** writeTree: what the package has, below `tree`. @param {string} tree @param {string} version */
function writeTree(tree, version) {
  const at = (/** @type {string} */ path) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    return join(tree, path)
  }
  /** @param {string} from @param {string} to @param {(path: string) => boolean} [filter] */
  const copy = (from, to, filter = () => true) =>
    cpSync(join(root, from), at(to), { recursive: true, dereference: true, filter })
  const executable = readFileSync(join(root, 'bin/tenbin'), 'utf8')
  writeFileSync(at(`${HOME}/bin/tenbin`), executable.replace(/^#!.*/, `#!/${HOME}/node`), { mode: 0o755 })
  mkdirSync(at('usr/bin/x').slice(0, -2), { recursive: true })
  symlinkSync(`../../${HOME}/bin/tenbin`, at('usr/bin/tenbin'))
  copyFileSync(process.execPath, at(`${HOME}/node`))
  chmodSync(at(`${HOME}/node`), 0o755)
  for (const folder of ['dist', 'schema']) copy(folder, `${HOME}/${folder}`)
  const { name, type, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(at(`${HOME}/package.json`), `${JSON.stringify({ name, version, type, license })}\n`)
  const isJavaScript = (/** @type {string} */ path) =>
    statSync(path).isDirectory() || /\.(c?js|json|txt)$/.test(path)
  for (const part of ['package.json', 'LICENSE.txt', 'index.js', 'indirect.js', 'src/koffi'])
    copy(`node_modules/koffi/${part}`, `${HOME}/node_modules/koffi/${part}`, isJavaScript)
  const isOfGlibc = (/** @type {string} */ path) => !/musl/.test(path)
  for (const name of readdirSync(join(root, 'node_modules/@koromix')))
    copy(`node_modules/@koromix/${name}`, `${HOME}/node_modules/@koromix/${name}`, isOfGlibc)
  for (const unit of ['tenbin.service', 'tenbin-vrrp.service'])
    copy(`packaging/${unit}`, `usr/lib/systemd/system/${unit}`)
  mkdirSync(at('etc/tenbin/x').slice(0, -2), { recursive: true })
  for (const file of [...DOCS, ...MORE_DOCS]) copy(file, `${DOC}/${file.replace('docs/', '')}`)
  writeFileSync(at(`${DOC}/copyright`), copyright())
  writeFileSync(at(`${DOC}/changelog.gz`), gzipSync(readFileSync(join(root, 'CHANGELOG.md')), { level: 9 }))
}

/** kilobytes that a tree takes. @param {string} tree @returns {number} */
const kilobytes = (tree) =>
  Math.ceil(
    readdirSync(tree, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0) /
      1024,
  )

/** deb writes the package and returns its path. @param {{ into: string, version?: string | undefined, quick?: boolean | undefined }} how */
export async function deb({ into, version, quick = false }) {
  const architecture = ARCHITECTURES[process.arch]
  if (architecture === undefined) throw new SetupError(`no package for ${process.arch}`)
  const { version: own, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const name = version ?? own
  const file = join(into, `tenbin_${name}_${architecture}.deb`)
  const tree = mkdtempSync(join(tmpdir(), 'tenbin-deb-'))
  try {
    chmodSync(tree, 0o755)
    writeTree(tree, name)
    const size = kilobytes(tree)
    mkdirSync(join(tree, 'DEBIAN'))
    const [first] = description.split(' whose')
    writeFileSync(
      join(tree, 'DEBIAN/control'),
      control({ version: name, architecture, description: first, kilobytes: size }),
    )
    for (const script of SCRIPTS) cpSync(join(root, 'packaging/debian', script), join(tree, 'DEBIAN', script))
    mkdirSync(into, { recursive: true })
    const compression = quick ? ['-Znone'] : ['-Zxz', '--threads-max=0']
    const { status, output } = await run('dpkg-deb', [
      ...['--root-owner-group', ...compression, '--build', tree, file],
    ])
    if (status !== 0) throw new SetupError(`dpkg-deb: ${output.trim()}`)
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
  return file
}

if (process.argv[1] === join(root, 'tools/deb.mjs'))
  await main(async () => {
    const { values } = parseArgs({
      options: { into: { type: 'string' }, version: { type: 'string' }, quick: { type: 'boolean' } },
    })
    await npmPackages()
    if (isStale()) await build()
    say('packing (a minute, compressed)')
    console.log(await deb({ ...values, into: values.into ?? join(root, 'build') }))
  })
