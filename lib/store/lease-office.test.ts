import { expect, test } from 'vitest'
import { LeaseExpiredError, LeaseTimeoutError, StoreDisposedError } from '../errors.js'
import { FakeClock, settle } from './fixtures/fake-clock.js'
import type { LeaseOfficeOptions } from './lease-office.js'
import { LeaseOffice } from './lease-office.js'
import type { Grant, LeaseRequest } from './lease-request.js'

function open(options: Partial<LeaseOfficeOptions> = {}) {
  const clock = new FakeClock()
  const office = new LeaseOffice({ clock, ...options })
  const log: string[] = []
  const errors: Error[] = []
  const grants: Grant[] = []
  const ask = (name: string, more: Partial<LeaseRequest> = {}, timeoutMs?: number) =>
    office.request(
      {
        name,
        kind: 'task',
        ttlMs: 1000,
        granted(grant) {
          grants.push(grant)
          log.push(`granted ${name}`)
        },
        refused(error) {
          errors.push(error)
          log.push(`refused ${name}`)
        },
        lost(error) {
          errors.push(error)
          log.push(`lost ${name}`)
        },
        ...more,
      },
      { timeoutMs },
    )
  const endHolder = () => office.end(office.holders[0]?.epoch ?? -1)
  return { clock, office, log, errors, grants, ask, endHolder }
}

/** A holder that answers when the test says so. */
function holder() {
  const answers: (() => void)[] = []
  return {
    answers,
    probe: () => new Promise<void>((resolve) => answers.push(resolve)),
    answer: () => answers.shift()?.(),
  }
}

test('L1: events and leases are granted in one line, first in first out', () => {
  const { log, ask, endHolder } = open()
  ask('a')
  ask('event', { kind: 'event', sync: true })
  ask('b')
  ask('c')
  expect(log).toEqual(['granted a'])
  endHolder()
  expect(log).toEqual(['granted a', 'granted event', 'granted b'])
  endHolder()
  expect(log.at(-1)).toBe('granted c')
})

test('E3: a request is granted inside the call exactly if the line says that it is free', () => {
  const { office, log, ask, endHolder } = open()
  expect(office.isFree()).toBe(true)
  let inside: boolean | undefined
  ask('a', {
    granted: () => {
      inside = office.isFree()
    },
  })
  expect(inside).toBe(false)
  expect(office.isFree()).toBe(false)
  ask('b')
  expect(log).toEqual([])
  endHolder()
  endHolder()
  expect(office.isFree()).toBe(true)
  office.pause()
  office.pause()
  expect(office.isFree()).toBe(false)
  ask('c')
  office.resume()
  expect(log).toEqual(['granted b'])
  office.resume()
  expect(log).toEqual(['granted b', 'granted c'])
})

test('a sync request is over when granted returns, and no timer was started for it', () => {
  const { clock, office, ask } = open({ warnAfterMs: 10, warn() {} })
  let inside: Grant | undefined
  ask('event', {
    sync: true,
    granted: () => {
      inside = office.holders[0]
    },
  })
  expect(inside?.request.name).toBe('event')
  expect(office.holders[0]).toBe(undefined)
  expect(clock.pending).toBe(0)
})

test('E7: a handler that turns out to be async keeps its grant and gets a timer', async () => {
  const { clock, office, log, ask } = open()
  const request: { sync: boolean; granted(): void; ttlMs: number } = {
    sync: true,
    ttlMs: 100,
    granted() {
      request.sync = false
    },
  }
  office.request({
    name: 'async',
    kind: 'event',
    ...request,
    get sync() {
      return request.sync
    },
    refused() {},
    lost: () => void log.push('lost async'),
  })
  ask('next')
  await clock.advance(110)
  expect(log).toEqual(['lost async', 'granted next'])
})

test('a request made while another is granted waits for the loop, and does not overtake', () => {
  const { office, log, ask, endHolder } = open()
  ask('held')
  ask('first', {
    sync: true,
    granted: ({ epoch }) => {
      log.push('granted first')
      office.end(epoch)
      log.push(office.isFree() ? 'free' : 'not free') // an expectation that fails here would not fail the test
      ask('nested', { sync: true })
    },
  })
  ask('second', { sync: true })
  endHolder()
  expect(log).toEqual(['granted held', 'granted first', 'not free', 'granted second', 'granted nested'])
})

test('the line is not free for who has ended its own grant inside granted: what it asks for comes after it', () => {
  const { office, log, ask } = open()
  ask('only', {
    sync: true,
    granted: ({ epoch }) => {
      office.end(epoch)
      log.push(office.isFree() ? 'free' : 'not free')
      ask('nested', { sync: true })
      log.push('end of only')
    },
  })
  expect(log).toEqual(['not free', 'end of only', 'granted nested'])
})

test('10,000 waiting sync events are granted without overflowing the stack, also if each makes another', () => {
  const { office, ask, endHolder } = open()
  ask('held')
  let count = 0
  const granted = () => void count++
  for (let i = 0; i < 10_000; i++) {
    ask('e', {
      sync: true,
      granted: () => {
        granted()
        ask('again', { sync: true, granted })
      },
    })
  }
  endHolder()
  expect(count).toBe(20_000)
  expect(office.isFree()).toBe(true)
})

test('L5 fence: an epoch is held from its grant to its end, and none comes twice', () => {
  const { office, grants, ask, endHolder } = open()
  ask('a')
  ask('b')
  const first = grants[0]?.epoch ?? -1
  expect(office.holds(first)).toBe(true)
  expect(office.end(first + 1)).toBe(false)
  expect(office.end(first)).toBe(true)
  expect(office.holds(first)).toBe(false)
  expect(office.end(first)).toBe(false)
  expect(office.holders[0]?.request.name).toBe('b')
  endHolder()
  ask('c')
  const epochs = grants.map((grant) => grant.epoch)
  expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b))
})

test('L11: a withdrawn request leaves no trace in the line, and a granted one is over', () => {
  const { clock, office, log, ask } = open()
  const a = ask('a')
  const b = ask('b', {}, 500)
  ask('c')
  expect(office.waiting.map(({ request, since }) => `${request.name} ${since}`)).toEqual(['b 0', 'c 0'])
  b.withdraw()
  b.withdraw()
  expect(office.waiting.map(({ request }) => request.name)).toEqual(['c'])
  a.withdraw()
  a.withdraw()
  expect(log).toEqual(['granted a', 'granted c'])
  expect(office.waiting).toEqual([])
  expect(clock.pending).toBe(1) // the tick of c
})

test('100,000 wait, all but one leave from the middle, and that one is granted', () => {
  const { office, log, ask, endHolder } = open()
  ask('held')
  // In half a second; with a search at each leave, in some minutes.
  const tickets = Array.from({ length: 100_000 }, () => ask('w'))
  ask('last')
  for (let i = tickets.length - 1; i >= 0; i -= 2) tickets[i]?.withdraw()
  for (const ticket of tickets) ticket.withdraw()
  expect(office.waiting).toHaveLength(1)
  endHolder()
  expect(log).toEqual(['granted held', 'granted last'])
}, 30_000)

test('L11: a timeout refuses, names the holder, and leaves no trace; a grant in time stops it', async () => {
  const { clock, office, log, errors, ask, endHolder } = open()
  ask('a', { ttlMs: 100_000 })
  ask('b', {}, 500)
  ask('c', {}, 600)
  await clock.advance(550)
  expect(log).toEqual(['granted a', 'refused b'])
  expect(errors[0]).toBeInstanceOf(LeaseTimeoutError)
  expect(errors[0]?.message).toMatch('Lease "b" was not to be had within 500 ms. "a" has held it for 500 ms.')
  endHolder()
  await clock.advance(200)
  expect(log.at(-1)).toBe('granted c')
  expect(office.waiting).toEqual([])
})

test('P6: refuse is the same for all but the store itself, until it is taken back', () => {
  const { office, log, errors, ask } = open()
  const error = new Error('refused')
  ask('a')
  ask('b')
  ask('own', { own: true, sync: true })
  office.refuse(error)
  expect(log).toEqual(['granted a', 'lost a', 'refused b', 'granted own'])
  ask('c')
  ask('event', { kind: 'event', sync: true, urgent: true })
  ask('own again', { own: true, sync: true })
  expect(log.slice(4)).toEqual(['refused c', 'refused event', 'granted own again'])
  expect(new Set(errors)).toEqual(new Set([error]))
  office.refuse(undefined)
  ask('d')
  office.close(new Error('closed'))
  ask('own, too late', { own: true })
  expect(log.slice(7)).toEqual(['granted d', 'lost d', 'refused own, too late'])
})

test('close refuses whoever waits and comes, and ends the grant by lost', () => {
  const { clock, office, log, errors, ask } = open()
  ask('a')
  const b = ask('b', {}, 500)
  const error = new StoreDisposedError('gone')
  office.close(error)
  office.close(new Error('again'))
  ask('c')
  b.withdraw()
  expect(log).toEqual(['granted a', 'lost a', 'refused b', 'refused c'])
  expect(errors).toEqual([error, error, error])
  expect(office.isFree()).toBe(false)
  expect(clock.pending).toBe(0)
})

test('a callback that throws does not break the line, and its error comes up in a turn of its own', () => {
  const fail = () => {
    throw new Error('callback')
  }
  const { clock, office, log, ask } = open({ changed: fail })
  ask('a', { granted: fail })
  expect(office.holders[0]).toBe(undefined)
  ask('b', { lost: fail })
  const c = ask('c', { refused: fail }, 5)
  expect(() => clock.jump(10)).toThrow('callback')
  ask('d')
  c.withdraw()
  office.end(office.holders[0]?.epoch ?? -1)
  expect(log).toEqual(['granted b', 'granted d'])
  office.close(new Error('closed'))
})

test('changed tells of holder and line, but not of a sync request that did not have to wait', () => {
  let changes = 0
  const { ask, endHolder } = open({ changed: () => void changes++ })
  ask('event', { sync: true })
  expect(changes).toBe(0)
  ask('a')
  expect(changes).toBe(1)
  ask('waits', { sync: true }).withdraw()
  expect(changes).toBe(3)
  endHolder()
  expect(changes).toBe(4)
})

test('E7: a holder that cannot be asked loses its lease one turn after its ttl, and the line goes on', async () => {
  const { clock, log, errors, ask } = open()
  ask('import', { ttlMs: 800 })
  ask('b')
  await clock.advance(799)
  expect(log).toEqual(['granted import'])
  await clock.advance(5)
  expect(log).toEqual(['granted import', 'lost import', 'granted b'])
  expect(errors[0]).toBeInstanceOf(LeaseExpiredError)
  expect(errors[0]?.message).toBe(
    'Lease "import" (epoch 1) expired: held for 801 ms with a ttl of 800 ms. Commit more often, do the slow work outside the lease, or raise ttl.',
  )
})

test('L6: a holder that answers but does not commit loses its lease at its ttl, after one more answer', async () => {
  const { clock, log, ask } = open()
  const { probe, answers } = holder()
  let unresponsive = 0
  ask('a', { ttlMs: 800, probe, unresponsive: () => void unresponsive++ })
  ask('b')
  for (let time = 0; time < 800; time += 100) {
    await clock.advance(100)
    if (time < 700) for (const answer of answers.splice(0)) answer()
  }
  await settle()
  expect(log).toEqual(['granted a'])
  answers.shift()?.()
  await settle()
  expect(log).toEqual(['granted a']) // this answer was asked for before the time was used up
  answers.shift()?.()
  await settle()
  expect(log).toEqual(['granted a', 'lost a', 'granted b'])
  expect(unresponsive).toBe(0)
})

test('L7: a page that is blocked for 3 s with a ttl of 800 ms costs a healthy holder nothing', async () => {
  const { clock, office, log, grants, ask } = open()
  const { probe, answers } = holder()
  ask('a', { ttlMs: 800, probe })
  for (const block of [3000, 60_000]) {
    await clock.advance(190)
    clock.jump(block) // the timers are due before the messages
    await settle()
    expect(log).toEqual(['granted a'])
    for (const answer of answers.splice(0)) answer()
    await settle()
    expect(log).toEqual(['granted a'])
  }
  expect(office.end(grants[0]?.epoch ?? -1)).toBe(true) // its commit came behind
})

test('L7: the answer to a question put before the block does not expire the lease: the commit may be right behind it', async () => {
  const { clock, office, log, grants, ask } = open()
  const { probe, answer, answers } = holder()
  ask('a', { ttlMs: 800, probe })
  for (let time = 0; time < 450; time += 150) {
    await clock.advance(150)
    answer()
  }
  await clock.advance(150)
  expect(answers).toHaveLength(1)
  clock.jump(390) // answer and commit come meanwhile
  answer()
  await settle()
  expect(log).toEqual(['granted a'])
  expect(office.end(grants[0]?.epoch ?? -1)).toBe(true)
})

test('L7: a stall does not count, so the whole ttl is left for before and after it', async () => {
  for (const asked of [true, false]) {
    const { clock, log, ask } = open()
    ask('a', { ttlMs: 800, ...(asked && { probe: () => Promise.resolve() }) })
    await clock.advance(400)
    clock.jump(3000)
    await clock.advance(390)
    expect(log).toEqual(['granted a'])
    await clock.advance(300)
    expect(log).toEqual(['granted a', 'lost a'])
  }
})

test('L7: in a page whose every tick is a minute late a holder is not let be for ever', async () => {
  const { clock, log, ask } = open()
  ask('a', { ttlMs: 800, probe: () => Promise.resolve() })
  for (let minute = 1; minute <= 3; minute++) {
    expect([minute, ...log]).toEqual([minute, 'granted a'])
    clock.jump(60_000)
    await settle()
  }
  expect(log).toEqual(['granted a', 'lost a'])
})

test('X3: a minute of fake time that passes in one go costs a holder at most two ticks', async () => {
  for (const asked of [true, false]) {
    const { clock, office, log, ask } = open()
    const { probe, answers } = holder()
    ask('a', { ttlMs: 10_000, ...(asked && { probe }) })
    for (let minute = 0; minute < 3; minute++) {
      clock.run(60_000)
      await settle()
      for (const answer of answers.splice(0)) answer()
      await settle()
    }
    expect(log).toEqual(['granted a'])
    expect(office.holders[0]?.request.name).toBe('a')
  }
})

test('L8: a holder that never answers is freed within ttl + grace, and is called unresponsive after it was told', async () => {
  const { clock, log, errors, ask } = open({ probeGraceMs: 500 })
  const { probe, answers } = holder()
  ask('a', { ttlMs: 800, probe, unresponsive: () => void log.push('unresponsive a') })
  ask('b')
  await clock.advance(1250)
  expect(log).toEqual(['granted a'])
  await clock.advance(100)
  expect(log).toEqual(['granted a', 'lost a', 'unresponsive a', 'granted b'])
  expect(errors[0]?.message).toMatch(/did not answer for 1\d00 ms. Compute outside the lease, or raise ttl.$/)
  expect(answers).toHaveLength(1)
})

test('L8: a holder that computes for its whole ttl and then commits is not disturbed', async () => {
  const { clock, office, log, grants, ask } = open()
  const { probe } = holder()
  ask('a', { ttlMs: 5000, probe })
  await clock.advance(6500) // beyond ttl, within the grace
  expect(log).toEqual(['granted a'])
  expect(office.end(grants[0]?.epoch ?? -1)).toBe(true)
  expect(clock.pending).toBe(0)
})

test('a probe that throws or rejects is no answer', async () => {
  for (const probe of [() => Promise.reject(new Error('closed')), () => fail()]) {
    const { clock, log, ask } = open({ probeGraceMs: 100 })
    ask('a', { ttlMs: 100, probe })
    await clock.advance(250)
    expect(log).toEqual(['granted a', 'lost a'])
  }
  function fail(): Promise<void> {
    throw new Error('closed')
  }
})

test('L13: renew counts the ttl from now', async () => {
  for (const asked of [true, false]) {
    const { clock, office, log, grants, ask } = open()
    ask('a', { ttlMs: 400, ...(asked && { probe: () => Promise.resolve() }) })
    for (let i = 0; i < 10; i++) {
      await clock.advance(350)
      office.renew(grants[0]?.epoch ?? -1)
    }
    expect(log).toEqual(['granted a'])
    await clock.advance(450)
    expect(log).toEqual(['granted a', 'lost a'])
  }
})

test('L13: an answer that was asked for as the last one before a renewal does not end the renewed lease', async () => {
  const { clock, office, log, grants, ask } = open({ probeGraceMs: 10_000 })
  const { probe, answers } = holder()
  ask('a', { ttlMs: 400, probe })
  await clock.advance(400)
  answers.shift()?.() // what was used up is confirmed, and the last question goes out
  await clock.advance(1)
  expect(answers).toHaveLength(1)
  office.renew(grants[0]?.epoch ?? -1)
  await clock.advance(600)
  answers.shift()?.()
  await settle()
  expect(log).toEqual(['granted a'])
})

test('L14: one warning names the holder and the time held', async () => {
  const warnings: string[] = []
  const { clock, ask } = open({
    warnAfterMs: 1000,
    warn: (grant, heldMs) => void warnings.push(`${grant.request.name} ${heldMs}`),
  })
  ask('a', { ttlMs: 5000 })
  await clock.advance(990)
  expect(warnings).toEqual([])
  await clock.advance(3000)
  expect(warnings).toEqual(['a 1000'])
})

test('L18: a holder whose own task waits in the line expires with a message that says so', async () => {
  const { clock, errors, log, ask } = open()
  const owner = { name: 'task' }
  ask('outer', { ttlMs: 100, owner })
  ask('other', { owner: { name: 'other' } })
  ask('inner', { owner })
  await clock.advance(110)
  expect(errors[0]?.message).toMatch('Its own task was waiting for a lease')
  expect(log.at(-1)).toBe('granted other')
})

test('nobody is granted before the holder knows that its lease is lost', async () => {
  const { clock, log, ask } = open()
  ask('a', {
    ttlMs: 100,
    lost: () => {
      log.push('lost a')
      ask('again')
    },
  })
  ask('b')
  await clock.advance(110)
  expect(log).toEqual(['granted a', 'lost a', 'granted b'])
})
