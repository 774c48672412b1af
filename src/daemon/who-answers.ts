// Who has a socket: for the words of a refusal, so that an operator knows which process to stop.

import { request } from 'node:http'
import { connect } from 'node:net'
import { versionSchema } from './api-schema.ts'

const TIMEOUT_MS = 2_000
const ANSWER_MAX = 4096

/**
 * whoAnswers: the process behind an API's socket, as words; undefined if nobody accepts connections there. Rejects as
 * connect(2) does (EACCES).
 */
export async function whoAnswers(socketPath: string): Promise<string | undefined> {
  if (!(await socketAnswers(socketPath))) return undefined
  const pid = await pidOf(socketPath)
  return pid === undefined ? 'another process' : `process ${pid}`
}

function pidOf(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const unknown = () => resolve(undefined)
    const options = { socketPath, path: '/v1/version', headers: { host: 'tenbin' }, agent: false } as const
    const sent = request({ ...options, timeout: TIMEOUT_MS }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text = (text + part).slice(0, ANSWER_MAX)
      })
      answer.on('error', unknown).on('end', () => resolve(pidIn(text)))
    })
    sent.on('timeout', () => sent.destroy())
    sent.on('error', unknown)
    sent.end()
  })
}

function pidIn(text: string): number | undefined {
  try {
    return versionSchema.parse(JSON.parse(text)).pid
  } catch {
    return undefined
  }
}

/** socketAnswers: whether somebody accepts connections at this socket. Rejects as connect(2) does (EACCES). */
function socketAnswers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(error)
    })
  })
}
