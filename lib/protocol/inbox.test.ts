import { expect, test } from 'vitest'
import { Inbox } from './inbox.js'

/** An inbox to which slices and calls come; whatever is due in a turn of its own runs when `turn` is called. */
function setUp() {
  const turns: (() => void)[] = []
  const handled: string[] = []
  const inbox = new Inbox((run) => turns.push(run))
  return {
    inbox,
    handled,
    turns,
    arrive: (...messages: string[]) => {
      for (const message of messages) {
        inbox.add(() => {
          handled.push(message)
          if (message.startsWith('slice')) inbox.noteSlice()
        })
      }
    },
    turn: () => turns.shift()?.(),
  }
}

const slices = (count: number) => Array.from({ length: count }, (_, i) => `slice ${i}`)

test('of many slices eight are handled in a turn, in their order, and a call behind them waits with them', () => {
  const { arrive, handled, turn, turns } = setUp()
  const messages = [...slices(20), 'call', 'another']
  arrive(...messages)
  expect(handled).toEqual(messages.slice(0, 8))
  turn()
  expect(handled).toEqual(messages.slice(0, 16))
  turn()
  expect(handled).toEqual(messages)
  arrive('call at once')
  expect(handled).toEqual([...messages, 'call at once'])
  expect(turns).toHaveLength(1)
})

test('slices between which others had their turn do not wait, and neither do calls', () => {
  const { arrive, handled, turn } = setUp()
  for (const slice of slices(30)) {
    arrive(slice, 'call')
    turn()
  }
  expect(handled).toHaveLength(60)
})

test('a message that comes behind waiting ones stays behind them', () => {
  const { arrive, handled, turn } = setUp()
  arrive(...slices(12))
  arrive('call')
  turn()
  arrive('later')
  expect(handled).toEqual([...slices(12), 'call', 'later'])
})

test('what waits is dropped by closing', () => {
  const { arrive, handled, inbox, turn, turns } = setUp()
  arrive(...slices(20))
  inbox.close()
  while (turns.length > 0) turn()
  expect(handled).toEqual(slices(8))
})
