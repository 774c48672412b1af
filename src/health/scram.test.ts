import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scram } from './scram.ts'

// RFC 7677 3, but for the user's name, which PostgreSQL takes from elsewhere: so its proofs are others, made by the
// server's side of the same RFC below.
const nonce = 'rOprNGfwEbeRWgbNEkqO'
const serverFirst = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`

test('an exchange is as RFC 5802 has it, and the server proves that it knows the password', async () => {
  const { createHash, createHmac, pbkdf2Sync } = await import('node:crypto')
  const scram = new Scram('pencil', nonce)
  assert.equal(scram.first, `n,,n=,r=${nonce}`)
  const final = scram.answer(serverFirst)
  const [withoutProof = '', proof = ''] = final.split(',p=')
  // The server's side: it holds StoredKey and ServerKey, and undoes the proof.
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const salted = pbkdf2Sync('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096, 32, 'sha256')
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  const message = `n=,r=${nonce},${serverFirst},${withoutProof}`
  const signature = hmac(storedKey, message)
  const clientKey = Buffer.from(Buffer.from(proof, 'base64').map((byte, index) => byte ^ signature[index]!))
  assert.deepEqual(createHash('sha256').update(clientKey).digest(), storedKey)
  const right = hmac(hmac(salted, 'Server Key'), message).toString('base64')
  assert.equal(scram.isRight(`v=${right}`), true)
  assert.equal(scram.isRight('v=AAAA'), false)
  assert.equal(new Scram('pencil').isRight(`v=${right}`), false)
})

test('a server that changes the nonce, or would keep us busy, is refused', () => {
  for (const first of [
    serverFirst.replace('rOpr', 'xxxx'),
    serverFirst.replace('4096', '0'),
    serverFirst.replace('4096', '99999999'),
    'e=other-error',
    '',
  ])
    assert.throws(() => new Scram('pencil', nonce).answer(first), { code: 'CHECK_FAILED' }, first)
})

test('a server that asks again for what costs us is refused', () => {
  const scram = new Scram('pencil', nonce)
  scram.answer(serverFirst)
  assert.throws(() => scram.answer(serverFirst), { code: 'CHECK_FAILED' })
})
