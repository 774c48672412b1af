import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modulesInOrder } from './debian-kernel.ts'

const dependencies = `kernel/net/9p/9pnet.ko:
kernel/net/9p/9pnet_virtio.ko: kernel/net/9p/9pnet.ko kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio.ko:
kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko
`

test('modules come after those that they need, and once', () => {
  assert.deepEqual(modulesInOrder(dependencies, ['9p', '9pnet_virtio']), [
    'kernel/net/9p/9pnet.ko',
    'kernel/fs/9p/9p.ko',
    'kernel/drivers/virtio/virtio.ko',
    'kernel/net/9p/9pnet_virtio.ko',
  ])
})

test('a module that the kernel does not have is named', () => {
  assert.throws(() => modulesInOrder(dependencies, ['veth']), /no module veth/)
})
