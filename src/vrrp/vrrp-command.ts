// How the vrrp process is started: from its source, or from what was built, whichever this is.

import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { V8_OPTIONS } from './v8-options.ts'

/** VrrpPlaces: paths. `spec`: a file to do without main what it says. */
export interface VrrpPlaces {
  readonly socket: string
  readonly kept: string
  readonly counter: string
  readonly spec?: string
}

/** vrrpCommand: the command of the process with these places. */
export function vrrpCommand({ socket, kept, counter, spec }: VrrpPlaces): readonly [string, ...string[]] {
  const isSource = extname(fileURLToPath(import.meta.url)) === '.ts'
  const entry = fileURLToPath(new URL(`./vrrp-process.${isSource ? 'ts' : 'js'}`, import.meta.url))
  const loader = isSource ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps']
  const places = [socket, kept, counter, ...(spec === undefined ? [] : [spec])]
  return [process.execPath, ...V8_OPTIONS, ...loader, entry, ...places]
}
