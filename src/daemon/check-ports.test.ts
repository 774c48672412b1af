import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { localPorts, sharedPorts } from './check-ports.ts'
import { fileText } from './fake-world.ts'

const said = (check: string, range: string, reserved = '') =>
  sharedPorts(load('t', textReader({ t: fileText({ check }) })), { range, reserved }).map(
    ({ code, message }) => `${code}: ${message}`,
  )

test('ports of checks through the service that the kernel gives to others as well are warned of', () => {
  const through = '{ tcp: {}, via: service }'
  const warning =
    'CHECK_PORTS_SHARED: net.ipv4.ip_local_port_range is 1024..65535: ports 61440..65535 are those of checks with via: service'
  assert.deepEqual(said(through, '32768\t60999'), [])
  assert.deepEqual(said(through, '1024\t61439'), [])
  assert.equal(said(through, '1024\t61440').length, 1)
  assert.deepEqual(said(through, '1024\t65535'), [warning])
  assert.deepEqual(said('tcp', '1024\t65535'), [])
})

test('ports that are reserved are given to nobody', () => {
  const through = '{ tcp: {}, via: service }'
  assert.deepEqual(said(through, '1024\t65535', '61440-65535'), [])
  assert.deepEqual(said(through, '1024\t65535', '8080,61440-62000,62001-65535'), [])
  assert.deepEqual(said(through, '1024\t61440', '61440'), [])
  assert.equal(said(through, '1024\t65535', '61440-65534').length, 1)
})

test('this machine says what its ports are', () => {
  assert.match(localPorts().range, /^\d+\s+\d+$/)
})
