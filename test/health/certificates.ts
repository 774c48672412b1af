// Certificates for tests of TLS: an authority of the test's own, and what it signed: good, expired, ending soon, for
// another name; and one that signed itself. Made by openssl in a folder of the test's.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Pair: PEM texts, and where they are. */
export interface Pair {
  readonly key: string
  readonly cert: string
  readonly keyFile: string
  readonly certFile: string
}

/** Authority: signs certificates for a name, with so many days left (below 0: expired). */
export class Authority {
  readonly #folder: string
  readonly ca: Pair
  #count = 0

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'index.txt'), '')
    writeFileSync(
      join(folder, 'ca.conf'),
      `[ca]
default_ca = own
[own]
database = ${folder}/index.txt
new_certs_dir = ${folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`,
    )
    this.ca = this.selfSigned('Authority of a test')
  }

  /** selfSigned: nobody vouches for it but itself. */
  selfSigned(name: string): Pair {
    const files = this.#files()
    this.#openssl(
      'req',
      '-x509',
      ...newKey(files.keyFile),
      '-days',
      '90',
      '-out',
      files.certFile,
      ...subject(name),
    )
    return read(files)
  }

  /** sign: for `name`, until `days` from now. */
  sign(name: string, days: number): Pair {
    const files = this.#files()
    const request = `${files.certFile}.request`
    this.#openssl('req', '-new', ...newKey(files.keyFile), '-out', request, ...subject(name))
    const [start, end] = [time(Math.min(days, 0) - 30), time(days)]
    const dates = ['-startdate', start, '-enddate', end]
    const signer = [
      '-config',
      join(this.#folder, 'ca.conf'),
      '-cert',
      this.ca.certFile,
      '-keyfile',
      this.ca.keyFile,
    ]
    this.#openssl('ca', '-batch', '-notext', ...signer, ...dates, '-in', request, '-out', files.certFile)
    return read(files)
  }

  #files() {
    const stem = join(this.#folder, `pair-${this.#count++}`)
    return { keyFile: `${stem}.key`, certFile: `${stem}.crt` }
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
}

const newKey = (file: string) => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file],
]
const subject = (name: string) => [
  '-subj',
  `/CN=${name}`,
  '-addext',
  `subjectAltName=DNS:${name.replaceAll(' ', '-')}`,
]
const time = (days: number): string =>
  `${new Date(Date.now() + days * 86_400_000 + 3_600_000).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
const read = (files: { keyFile: string; certFile: string }): Pair => ({
  ...files,
  key: readFileSync(files.keyFile, 'utf8'),
  cert: readFileSync(files.certFile, 'utf8'),
})
