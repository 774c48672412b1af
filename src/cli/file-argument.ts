// The file that a command is about: the one that is named, or the daemon's own.

import { resolve } from 'node:path'
import { statusSchema } from '../daemon/api-schema.ts'
import { type Loaded, readContent } from '../revisions/content.ts'
import { callDaemon } from './client.ts'

/** fileArgument: its path. Throws what callDaemon throws. */
export async function fileArgument([file]: readonly string[], socket: string): Promise<string> {
  if (file !== undefined) return resolve(file)
  const { file: own } = await callDaemon(socket, {
    path: '/v1/status',
    reply: statusSchema.pick({ file: true }),
  })
  return own.path
}

/** readFile: the file with all that it includes. Throws ConfigError, with all findings. */
export const readFile = (path: string): Loaded => readContent(path)
