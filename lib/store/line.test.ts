import { describe, expect, test } from 'vitest'
import { LeaseRevokedError } from '../errors.js'
import { FakeClock } from './fixtures/fake-clock.js'
import { LeaseOffice } from './lease-office.js'
import type { Grant, LeaseRequest } from './lease-request.js'

/** What is done in the turn of each, and the office that decides when that is. */
function open() {
  const clock = new FakeClock()
  const office = new LeaseOffice({ clock })
  const log: string[] = []
  const held = new Map<string, Grant>()
  const ask = (name: string, scope?: readonly string[], more: Partial<LeaseRequest> = {}, timeoutMs?: number) =>
    office.request(
      {
        name,
        kind: 'task',
        ttlMs: 1_000_000,
        ...(scope && { scope: new Set(scope) }),
        granted(grant) {
          log.push(name)
          held.set(name, grant)
        },
        refused: () => void log.push(`refused ${name}`),
        lost(error) {
          held.delete(name)
          log.push(error instanceof LeaseRevokedError ? `revoked ${name}` : `lost ${name}`)
        },
        ...more,
      },
      { timeoutMs },
    )
  const event = (name: string, scope?: readonly string[]) => ask(name, scope, { kind: 'event', sync: true })
  const urgent = (name: string, scope?: readonly string[]) =>
    ask(name, scope, { kind: 'event', sync: true, urgent: true })
  const task = (name: string, scope?: readonly string[]) => ask(name, scope, { revocable: true })
  const end = (name: string) => office.end(held.get(name)?.epoch ?? -1)
  /** What happened since the last time. */
  const happened = () => log.splice(0)
  return { clock, office, ask, event, urgent, task, end, happened }
}

describe('scopes in the line', () => {
  test('L15: those who share no field hold at the same time, each with an epoch of its own', () => {
    const { office, task, event, happened } = open()
    task('a', ['x'])
    task('b', ['y'])
    event('c', ['z'])
    expect(happened()).toEqual(['a', 'b', 'c'])
    expect(office.holders.map(({ request, epoch }) => `${request.name} ${epoch}`)).toEqual(['a 1', 'b 2'])
  })

  test('L15: nobody passes one ahead with whom a field is shared; who shares none passes', () => {
    const { task, event, end, happened } = open()
    task('holder', ['x'])
    task('both', ['x', 'y'])
    task('behind', ['y', 'z'])
    event('free', ['w'])
    event('shares', ['z'])
    expect(happened()).toEqual(['holder', 'free'])
    end('holder')
    expect(happened()).toEqual(['both'])
    end('both')
    expect(happened()).toEqual(['behind'])
    end('behind')
    expect(happened()).toEqual(['shares'])
  })

  test('L15: who wants everything waits for all, and is passed by none', () => {
    const { task, event, end, happened } = open()
    task('a', ['x'])
    task('b', ['y'])
    task('all')
    event('z', ['z'])
    end('a')
    expect(happened()).toEqual(['a', 'b'])
    end('b')
    expect(happened()).toEqual(['all'])
    end('all')
    expect(happened()).toEqual(['z'])
  })

  test('L11: one that leaves the line, by withdrawal or timeout, lets those go on that it kept waiting', async () => {
    const { clock, ask, task, event, happened } = open()
    task('holder', ['x'])
    const ticket = task('both', ['x', 'y'])
    event('first', ['y'])
    ticket.withdraw()
    expect(happened()).toEqual(['holder', 'first'])
    ask('late', ['x', 'y'], {}, 50)
    event('second', ['y'])
    await clock.advance(50)
    expect(happened()).toEqual(['refused late', 'second'])
  })

  test('a line of thousands costs a newcomer no walk along it', () => {
    const { office, ask } = open()
    let asked = 0
    class Counted extends Set<string> {
      override has(field: string): boolean {
        asked += 1
        return super.has(field)
      }
      override [Symbol.iterator](): SetIterator<string> {
        asked += 1
        return super[Symbol.iterator]()
      }
    }
    ask('page', ['x', 'y'], { kind: 'page' })
    for (let i = 0; i < 2_000; i++) {
      ask('set.x', undefined, { kind: 'event', sync: true, urgent: i % 2 > 0, scope: new Counted(['x']) })
    }
    expect(office.waiting).toHaveLength(2_000)
    expect(asked).toBeLessThan(20 * 2_000)
  })
})

describe('urgent events', () => {
  test('L16 E9: take a lease back and run inside the call, behind the sync events that waited', () => {
    const { task, event, urgent, ask, happened } = open()
    task('lease')
    event('clear')
    ask('async event', undefined, { kind: 'event' })
    task('next')
    event('other')
    urgent('set')
    expect(happened()).toEqual(['lease', 'revoked lease', 'clear', 'other', 'set', 'async event'])
  })

  test('L15 L16: of one field leave a lease of another alone, and what waits for that', () => {
    const { office, task, event, urgent, happened } = open()
    task('rows', ['rows'])
    task('text', ['text'])
    event('sort', ['rows'])
    urgent('set.text', ['text'])
    expect(happened()).toEqual(['rows', 'text', 'revoked text', 'set.text'])
    expect(office.waiting.map(({ request }) => request.name)).toEqual(['sort'])
  })

  test('L16: the order of events that share a field is kept, however they are linked', () => {
    const { task, event, urgent, happened } = open()
    task('lease')
    event('a', ['x'])
    event('b', ['x', 'y'])
    event('apart', ['z'])
    urgent('set.y', ['y'])
    expect(happened()).toEqual(['lease', 'revoked lease', 'a', 'b', 'set.y', 'apart'])
  })

  test.each([
    ['a page lease', { kind: 'page' }],
    ['an event that lasts', { kind: 'event' }],
    ['a task’s lease that is not revocable', { kind: 'task', revocable: false }],
  ] as const)('L16: wait behind %s, and then go ahead of the leases, in their order', (_, holder) => {
    const { ask, event, urgent, task, end, happened } = open()
    ask('holder', undefined, holder)
    task('lease')
    event('first')
    urgent('second')
    event('third')
    urgent('fourth')
    task('last')
    expect(happened()).toEqual(['holder'])
    end('holder')
    expect(happened()).toEqual(['first', 'second', 'third', 'fourth', 'lease'])
  })

  test('L16: take nothing back if that would not be enough', () => {
    const { ask, task, urgent, end, happened } = open()
    task('revocable', ['x'])
    ask('page', ['y'], { kind: 'page' })
    urgent('both', ['x', 'y'])
    expect(happened()).toEqual(['revocable', 'page'])
    end('page')
    expect(happened()).toEqual(['revoked revocable', 'both'])
  })

  test('L15 L16: a second one of other fields does not wait for the first', () => {
    const { ask, task, urgent, end, happened } = open()
    ask('page', ['text'], { kind: 'page' })
    task('lease', ['rows'])
    urgent('set.text', ['text'])
    urgent('set.rows', ['rows'])
    expect(happened()).toEqual(['page', 'lease', 'revoked lease', 'set.rows'])
    end('page')
    expect(happened()).toEqual(['set.text'])
  })

  test('L16: a function that runs again goes ahead of the leases, and behind the urgent events', () => {
    const { ask, task, urgent, end, happened } = open()
    ask('holder', undefined, { kind: 'page' })
    task('first')
    ask('again', undefined, { again: true })
    urgent('set')
    end('holder')
    expect(happened()).toEqual(['holder', 'set', 'again'])
    end('again')
    expect(happened()).toEqual(['first'])
  })

  test('L16: fired while a commit is published, take back what stands in their way when that is done', () => {
    const { office, task, urgent, happened } = open()
    task('lease')
    office.pause()
    urgent('set')
    expect(happened()).toEqual(['lease'])
    office.resume()
    expect(happened()).toEqual(['revoked lease', 'set'])
  })
})

/** A line that is a plain list, and walks all of it for every question. */
class Model {
  readonly holders: LeaseRequest[] = []
  line: LeaseRequest[] = []
  readonly front = new Set<LeaseRequest>()

  enter(request: LeaseRequest): void {
    if (request.urgent === true) {
      const passed: LeaseRequest[] = []
      const shared = [request]
      for (const other of this.line.toReversed()) {
        if (this.front.has(other)) break
        if (other.kind !== 'event' || other.sync !== true || !shared.some((one) => share(one, other))) continue
        shared.push(other)
        passed.unshift(other)
      }
      for (const each of [...passed, request]) this.front.add(each)
      const rest = this.line.filter((other) => !passed.includes(other))
      const ahead = rest.filter((other) => this.front.has(other))
      this.line = [...ahead, ...passed, request, ...rest.filter((other) => !this.front.has(other))]
    } else this.line.push(request)
  }

  /** What is granted and revoked until nobody has a turn. */
  settle(): string[] {
    const happened: string[] = []
    for (;;) {
      const next = this.line.find(
        (one, at) => ![...this.holders, ...this.line.slice(0, at)].some((other) => share(one, other)),
      )
      if (next !== undefined) {
        this.line.splice(this.line.indexOf(next), 1)
        happened.push(next.name)
        if (next.sync !== true) this.holders.push(next)
        continue
      }
      const taken = this.line.filter(({ urgent }) => urgent).map((one) => this.inTheWayOf(one))
      const revocable = taken.find((holders) => holders.every((holder) => holder.revocable))
      if (revocable === undefined) return happened
      for (const holder of revocable) this.end(holder)
      happened.push(...revocable.map(({ name }) => `revoked ${name}`))
    }
  }

  end(holder: LeaseRequest): void {
    this.holders.splice(this.holders.indexOf(holder), 1)
  }

  /** The holders that share a field with a request, or with one that has its turn before it. */
  inTheWayOf(request: LeaseRequest): LeaseRequest[] {
    const before = [request]
    for (const other of this.line.slice(0, this.line.indexOf(request)).toReversed()) {
      if (before.some((one) => share(one, other))) before.push(other)
    }
    return this.holders.filter((holder) => before.some((one) => share(one, holder)))
  }
}

function share({ scope: one }: LeaseRequest, { scope: other }: LeaseRequest): boolean {
  return one === undefined || other === undefined || [...one].some((field) => other.has(field))
}

test.each([1, 2, 3, 4, 5, 6])('L15 L16: on random histories the line does what a plain list does (seed %i)', (seed) => {
  let random = seed
  const below = (limit: number): number => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((random / 2_147_483_648) * limit)
  }
  const seen = new Set<string>()
  for (let history = 0; history < 100; history++) {
    const office = new LeaseOffice({ clock: new FakeClock() })
    const model = new Model()
    const tickets = new Map<LeaseRequest, { withdraw(): void }>()
    const epochs = new Map<LeaseRequest, number>()
    const log: string[] = []
    for (let step = 0; step < 40; step++) {
      const choice = below(10)
      const holder = model.holders[below(model.holders.length)]
      const waiting = model.line[below(model.line.length)]
      if (choice < 3 && holder !== undefined) {
        model.end(holder)
        office.end(epochs.get(holder) ?? -1)
      } else if (choice === 3 && waiting !== undefined && waiting.kind === 'task') {
        model.line.splice(model.line.indexOf(waiting), 1)
        tickets.get(waiting)?.withdraw()
      } else {
        const names = ['u', 'v', 'w', 'x', 'y', 'z']
        const fields = [names[below(6)] as string, ...names.filter(() => below(8) === 0)]
        const kind = (['event', 'event', 'task', 'task', 'page'] as const)[below(5)] ?? 'event'
        const name = `${step}`
        const request: LeaseRequest = {
          name,
          kind,
          ttlMs: 1_000_000,
          scope: below(15) > 0 ? new Set(fields) : undefined,
          sync: kind === 'event' && below(5) > 0,
          revocable: kind === 'task' && below(4) > 0,
          granted(grant) {
            log.push(name)
            epochs.set(request, grant.epoch)
          },
          refused() {},
          lost: () => void log.push(`revoked ${name}`),
        }
        const urgent = kind === 'event' && request.sync === true && below(2) > 0
        const asked = Object.assign(request, { urgent })
        model.enter(asked)
        tickets.set(asked, office.request(asked))
      }
      const expected = model.settle()
      expect(log.splice(0)).toEqual(expected)
      for (const what of expected) seen.add(what.startsWith('revoked') ? 'revoked' : 'granted')
      expect(office.waiting.map(({ request }) => request)).toEqual(model.line)
      expect(office.holders.map(({ request }) => request)).toEqual(model.holders)
    }
  }
  expect([...seen].sort()).toEqual(['granted', 'revoked'])
})
