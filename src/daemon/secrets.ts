// Secrets that the file names: in files, which count as they are when they are used, or in the daemon's environment.

import { constants, open } from 'node:fs/promises'
import type { SecretSource } from '../config/notify-spec.ts'

/** FILE_LIMIT: bytes of a file with a secret, or with authorities. */
const FILE_LIMIT = 1024 * 1024

/** readSecret: without the line feed at its end. Throws an Error that says what is wrong, and never the secret. */
export async function readSecret(source: SecretSource): Promise<string> {
  if ('env' in source) {
    const value = process.env[source.env]
    if (value === undefined || value === '') throw new Error(`the environment has no ${source.env}`)
    return value
  }
  const text = (await readSmall(source.file)).replace(/\r?\n$/, '')
  if (text === '') throw new Error(`${source.file} is empty`)
  if (text.includes('\n')) throw new Error(`${source.file} has more than one line`)
  return text
}

/** readSmall: a file as text. Throws an Error with its path. */
export async function readSmall(path: string): Promise<string> {
  // A pipe would keep a thread waiting that all files need.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Error(`${path} is no file`)
    if (stat.size > FILE_LIMIT) throw new Error(`${path} has more than ${FILE_LIMIT} bytes`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
