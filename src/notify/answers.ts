// What the process that sends says, read with care: it talks with strangers, so one day it may say anything. A line that is
// no answer, or that does not end, is the last one that is listened to.

import type { Readable } from 'node:stream'
import type { z } from 'zod'
import { answeredSchema } from './jobs.ts'

/** LINE_LIMIT: characters of one answer; the names of fifty recipients are less. */
const LINE_LIMIT = 64 * 1024

/** readAnswers hands on each answer; `onBad` is told once, and then nothing is read any more. */
export function readAnswers(
  from: Readable,
  onAnswer: (answer: z.infer<typeof answeredSchema>) => void,
  onBad: () => void,
): void {
  let rest = ''
  const take = (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const answer = answerIn(line)
      if (!answer) return stop()
      onAnswer(answer)
    }
    if (rest.length > LINE_LIMIT) stop()
  }
  const stop = () => {
    from.off('data', take)
    from.destroy()
    onBad()
  }
  from.setEncoding('utf8').on('data', take)
}

function answerIn(line: string): z.infer<typeof answeredSchema> | undefined {
  try {
    return answeredSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
