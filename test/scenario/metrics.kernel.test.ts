// Metrics of a daemon at work, as Prometheus reads them: over the network, by Debian's promtool, through restarts,
// reloads and a checker that is killed again and again.
//
//            .-- client: curl, of the service and of the metrics
//   switch --+-- lb1: tenbin, its checker; metrics at 10.0.0.2:9102
//            '-- web01, web02: nginx

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab } from '../../src/lab/held-lab.ts'
import { execute, skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const AT = '10.0.0.2:9102'

async function until(is: () => Promise<boolean>, what: string): Promise<void> {
  const start = performance.now()
  while (!(await is())) {
    assert.ok(performance.now() - start < 40_000, `in 40 s not: ${what}`)
    await delay(50)
  }
}

const fileOf = (lab: Lab, listen: string, timeout = '2s'): string => {
  const check = { http: '/', every: '300ms', in_doubt: '300ms', timeout }
  const www = { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology), check }
  const file = JSON.parse(tenbinFile(lab.topology, { www })) as object
  return JSON.stringify({ ...file, metrics: { listen } })
}

/** scraped: the text of metrics, as the client reads it; undefined: nobody answers. */
async function scraped(lab: Lab, accept: string, at = AT): Promise<string | undefined> {
  const url = `http://${at}/metrics`
  const command = ['curl', '-sS', '-f', '-m', '5', '-H', `Accept: ${accept}`, url] as const
  const { code, out } = await execute(lab, 'client', command)
  return code === 0 ? out : undefined
}
const OPEN = 'application/openmetrics-text;version=1.0.0'

/** value of a sample by its name and labels as they are written. */
const value = (text: string | undefined, sample: string): number => {
  const line = text?.split('\n').find((each) => each.startsWith(`${sample} `))
  assert.ok(line !== undefined, `${sample} is not in:\n${text}`)
  return Number(line.slice(sample.length + 1))
}

/** lint: what promtool says of text in the format before OpenMetrics, nothing if all is well. */
function lint(text: string): string {
  const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  return `${stdout}${stderr}`
}

/** readAsOpenMetrics: what promtool's parser of OpenMetrics says that is wrong. It wants a time with each sample. */
function readAsOpenMetrics(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-openmetrics-'))
  try {
    const file = join(folder, 'metrics')
    writeFileSync(file, text.replace(/^(?!#)(.+)$/gm, '$1 1700000000'))
    const command = ['tsdb', 'create-blocks-from', 'openmetrics', '-q', file, join(folder, 'blocks')]
    const { status, stdout, stderr } = spawnSync('promtool', command, { encoding: 'utf8' })
    return status === 0 ? '' : `${stdout}${stderr}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** checkersIn: processes of this lab's checker. */
const checkersIn = ({ directory }: Lab): number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const words = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, 'utf8') : ''
      return words.includes('checker-process') && words.includes(directory) ? [Number(name)] : []
    } catch {
      return []
    }
  })

test('metrics are read over the network, understood by promtool, and go on through restarts, reloads and crashes', {
  skip,
}, async () => {
  await using lab = await Lab.hold({ prefix: 'mx', servers: 2, services: 1 })
  await startNginx(lab)
  const tenbin = new Tenbin(lab)
  tenbin.write(fileOf(lab, AT))
  await tenbin.start()
  const isUp = async () => {
    const servers = (await tenbin.status())?.pools[0]?.servers ?? []
    return servers.length === 2 && servers.every(({ check }) => check?.state === 'up')
  }
  await until(isUp, 'both servers are up')
  const ask = () => lab.run('client', ['curl', '-sS', '-m', '5', 'http://10.0.0.100/?[1-20]'])
  await ask()

  const packets = 'tenbin_packets_total{outcome="forwarded",verdict="tx"}'
  const served = 'tenbin_service_packets_total{service="www"}'
  await until(async () => {
    const text = (await scraped(lab, OPEN)) ?? ''
    return /\ntenbin_check_looks_total\{kind="http",outcome="good"\} [1-9]/.test(text)
  }, 'looks are counted')
  const open = await scraped(lab, OPEN)
  assert.match(open!, /\n# EOF\n$/)
  assert.equal(readAsOpenMetrics(open!), '')
  assert.notEqual(readAsOpenMetrics(open!.replace('# EOF\n', '')), '', 'promtool notices what is wrong')
  assert.equal(lint((await scraped(lab, 'text/plain'))!), '')
  assert.ok(value(open, packets) >= 20 && value(open, served) >= 20)
  assert.equal(value(open, 'tenbin_service_servers_up{service="www"}'), 2)

  // What the kernel counts goes on over the daemon's death and over a new program.
  await tenbin.kill()
  await ask()
  await tenbin.start()
  await until(async () => (await scraped(lab, OPEN)) !== undefined, 'it answers again')
  const after = await scraped(lab, OPEN)
  assert.ok(value(after, packets) >= value(open, packets) + 20)
  const more = { api: { listen: ['10.0.0.100:81'], servers: ['web01'], check: 'none' } }
  const file = JSON.parse(fileOf(lab, AT)) as { services: object }
  await tenbin.apply(JSON.stringify({ ...file, services: { ...file.services, ...more } }))
  const generation = 'tenbin_generation'
  await until(
    async () => value(await scraped(lab, OPEN), generation) > value(after, generation),
    'a new program',
  )
  const changed = await scraped(lab, OPEN)
  assert.ok(value(changed, packets) >= value(after, packets))
  assert.ok(value(changed, served) >= value(after, served))

  // An address that is not there is a problem, and nothing else; another one counts from the reload on.
  await tenbin.apply(fileOf(lab, '192.0.2.1:9102'))
  const codes = async () => (await tenbin.statusNow()).problems.map(({ code }) => code)
  await until(async () => (await codes()).includes('METRICS_UNHEARD'), 'it is a problem')
  assert.equal(await scraped(lab, OPEN), undefined)
  await tenbin.apply(fileOf(lab, '10.0.0.2:9103'))
  await until(async () => (await scraped(lab, OPEN, '10.0.0.2:9103')) !== undefined, 'it answers there')
  await until(async () => (await codes()).length === 0, 'it is over')

  // The checker is killed as soon as it is there: one problem, and no server is taken out.
  await until(async () => {
    for (const pid of checkersIn(lab))
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        // one of the round before, reaped meanwhile
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    return (await codes()).includes('CHECKER_CRASHES')
  }, 'it is a crash loop')
  const looping = await scraped(lab, OPEN, '10.0.0.2:9103')
  assert.equal(value(looping, 'tenbin_checker_crash_loop'), 1)
  assert.ok(value(looping, 'tenbin_checker_ends_total') >= 5)
  assert.equal(value(looping, 'tenbin_service_servers_up{service="www"}'), 2)
  const { code, out } = await tenbin.cli('status', '--check')
  assert.equal(code, 1)
  assert.match(out, /^TENBIN WARNING - 1 service, 2 of 2 servers up; [^|]*the checker ended 5 times and more/)
})
