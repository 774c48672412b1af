// receiver-process PORT FOLDER: whoever gets webhooks, in a process of a lab. Each request is a line of FOLDER/heard: its headers
// and its body. FOLDER/mode says how it answers: a status, or `hang`.

import { appendFileSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const [port, folder = ''] = process.argv.slice(2)
createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (part: string) => (body += part))
  request.on('end', () => {
    const mode = readFileSync(join(folder, 'mode'), 'utf8').trim()
    appendFileSync(join(folder, 'heard'), `${JSON.stringify({ mode, headers: request.headers, body })}\n`)
    if (mode !== 'hang') response.writeHead(Number(mode)).end()
  })
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'))
