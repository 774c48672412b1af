// An SMTP server for tests: keeps the mails that it gets, offers STARTTLS and login as it is told, and may refuse or stop
// answering at any command.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** SmtpOptions: `login`: the only one that is let in; `answers`: instead of the usual, by the first word of a command; null: none ever. */
export interface SmtpOptions {
  readonly cert?: { readonly key: string; readonly cert: string }
  /** TLS: from the first byte, by STARTTLS, or not at all. */
  readonly tls?: 'tls' | 'starttls'
  readonly login?: { readonly user: string; readonly password: string }
  readonly answers?: Readonly<Record<string, string | null>>
}

/** Mail: as it came. */
export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
  readonly isSecure: boolean
}

export class SmtpServer implements AsyncDisposable {
  readonly mails: Mail[] = []
  readonly heard: string[] = []
  options: SmtpOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(options: SmtpOptions = {}) {
    this.options = options
    this.#server = createServer((socket) => this.#serve(socket))
  }

  static async listen(options: SmtpOptions = {}, port = 0): Promise<SmtpServer> {
    const server = new SmtpServer(options)
    server.#server.listen(port, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get connections(): number {
    return this.#sockets.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((closed) => this.#server.close(closed))
  }

  #serve(raw: Socket): void {
    this.#sockets.add(raw)
    raw.on('close', () => this.#sockets.delete(raw)).on('error', () => undefined)
    const { tls } = this.options
    this.#talk(tls === 'tls' ? this.#secured(raw) : raw, tls === 'tls', true)
  }

  #secured(socket: Socket): TLSSocket {
    const secured = new TLSSocket(socket, { isServer: true, ...this.options.cert })
    secured.on('error', () => undefined)
    return secured
  }

  #talk(socket: Socket, isSecure: boolean, greets: boolean): void {
    let [rest, from, data, isData] = ['', '', '', false]
    let to: string[] = []
    let login: string[] | undefined
    const say = (word: string, usual: string) => {
      const { answers = {} } = this.options
      const answer = word in answers ? answers[word] : usual
      if (answer !== null) socket.write(`${answer}\r\n`)
    }
    if (greets) say('greeting', '220 mail.example ESMTP')
    const onLine = (line: string) => {
      if (isData) {
        if (line !== '.') data += `${line}\n`
        else {
          isData = false
          const answer = this.options.answers?.end
          if (answer === undefined) this.mails.push({ from, to, text: data, isSecure })
          say('end', '250 kept')
        }
        return
      }
      if (login) {
        login.push(Buffer.from(line, 'base64').toString())
        if (login.length === 1) socket.write('334 UGFzc3dvcmQ6\r\n')
        else {
          say('AUTH', this.#verdict(login[0]!, login[1]!))
          login = undefined
        }
        return
      }
      this.heard.push(line)
      const word = line.split(/[ :]/)[0]!.toUpperCase()
      if (word === 'EHLO') {
        const more = [
          ...(this.options.tls === 'starttls' && !isSecure ? ['STARTTLS'] : []),
          ...(this.options.login ? ['AUTH PLAIN LOGIN'] : []),
          '8BITMIME',
        ]
        say(
          'EHLO',
          [
            '250-mail.example',
            ...more.map((each, i) => `250${i === more.length - 1 ? ' ' : '-'}${each}`),
          ].join('\r\n'),
        )
      } else if (word === 'STARTTLS') {
        say('STARTTLS', '220 go')
        if (this.options.answers?.STARTTLS !== undefined) return
        socket.removeAllListeners('data')
        this.#talk(this.#secured(socket), true, false)
      } else if (word === 'AUTH') {
        const [, kind, initial = ''] = line.split(' ')
        const [, user = '', password = ''] = Buffer.from(initial, 'base64').toString().split('\0')
        if (kind === 'LOGIN') {
          login = []
          socket.write('334 VXNlcm5hbWU6\r\n')
        } else say('AUTH', this.#verdict(user, password))
      } else if (word === 'MAIL') {
        ;[from, to, data] = [line.slice(11, line.indexOf('>')), [], '']
        say('MAIL', '250 ok')
      } else if (word === 'RCPT') {
        const address = line.slice(9, line.indexOf('>'))
        if (this.options.answers?.RCPT === undefined) to.push(address)
        say(`RCPT ${address}` in (this.options.answers ?? {}) ? `RCPT ${address}` : 'RCPT', '250 ok')
      } else if (word === 'DATA') {
        isData = this.options.answers?.DATA === undefined
        say('DATA', '354 go on')
      } else if (word === 'QUIT') socket.end('221 bye\r\n')
      else say(word, '250 ok')
    }
    socket.on('data', (bytes) => {
      const lines = `${rest}${bytes.toString('latin1')}`.split('\r\n')
      rest = lines.pop()!
      for (const line of lines) onLine(line)
    })
  }

  #verdict(user: string, password: string): string {
    const { login } = this.options
    return login?.user === user && login.password === password ? '235 in' : '535 5.7.8 who is this'
  }
}
