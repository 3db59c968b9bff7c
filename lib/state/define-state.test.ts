import { describe, expect, test } from 'vitest'
import { createInitialState, defineState, shapeOf } from './define-state.js'
import { createDraft } from './draft.js'
import { getSubstate } from './get-substate.js'
import { createReadOnlyView } from './read-only.js'
import { StateTree } from './tree.js'

const deepState = defineState('deep', () => ({ value: 3 }))
const partState = defineState('part', () => ({ part: { value: 1 }, _own: 2 }), { substates: [deepState] })
const appState = defineState('app', () => ({ app: { part: { value: 0 } }, count: 1, _own: 1 }), {
  substates: [partState],
})

function views(): [string, object][] {
  const tree = new StateTree(shapeOf(appState), createInitialState(appState))
  return [
    ['a draft', createDraft(tree.shape, tree.root).state],
    ['a snapshot', tree.snapshot(false)],
    ['a replica', createReadOnlyView(tree.shape, () => tree.root)],
  ]
}

describe('getSubstate', () => {
  test.each(views())(
    'S8 a field with the name of a state does not stand in the way of a definition: %s',
    (_, state) => {
      const part = getSubstate(state, partState)
      expect(part).toBe((state as { part: object }).part)
      expect(getSubstate(part, partState)).toBe(part)
      expect(getSubstate(state, appState)).toBe(state)
      const deep = (part as { deep: object }).deep
      expect(getSubstate(state, deepState)).toBe(deep)
      expect(getSubstate(part, deepState)).toBe(deep)
      expect(getSubstate(state, 'app.part.deep')).toBe(deep)
      expect(getSubstate(state, ['part', 'deep'])).toBe(deep)
      expect(() => getSubstate(state, 'part.nothing')).toThrow(
        'getSubstate: "part.nothing" leads nowhere: there is no substate "nothing".',
      )
    },
  )
})

class Count {
  count = 1
}

const otherState = defineState('other', () => ({ zz: 1 }))

describe('getSubstate refuses', () => {
  test.each(views())('S8 what is no substate, and names the missing step: %s', (_, state) => {
    expect(() => getSubstate(state, 'setings')).toThrow(
      'getSubstate: "setings" leads nowhere: there is no substate "setings".',
    )
    expect(() => getSubstate(state, 'wrong.part')).toThrow('there is no substate "wrong".')
    expect(() => getSubstate(state, 'count.part')).toThrow('there is no substate "count".')
    expect(() => getSubstate(state, 'app.part.setings')).toThrow(
      '"app.part.setings" leads nowhere: there is no substate "setings".',
    )
    expect(() => getSubstate((state as { part: object }).part, 'app.deep')).toThrow('there is no substate "app".')
    expect(() => getSubstate(state, [])).toThrow('getSubstate: an empty list names no substate.')
    expect(() => getSubstate(state, otherState)).toThrow('getSubstate: "other" is no part of the state that was given.')
    expect(() => getSubstate((state as { part: object }).part, appState)).toThrow('"app" is no part of the state')
  })

  test('S8 a leading name where there is none to compare it with: on a copy of a snapshot', () => {
    const copy = structuredClone(new StateTree(shapeOf(appState), createInitialState(appState)).snapshot(false))
    const part = (copy as { part: object }).part
    expect(getSubstate(copy, partState)).toBe(part)
    expect(getSubstate(copy, 'part')).toBe(part)
    expect(() => getSubstate(copy, 'state.part')).toThrow('there is no substate "state".')
    expect(() => getSubstate(copy, otherState)).toThrow('getSubstate: "other" is no part of the state that was given.')
  })
})

describe('what defineState refuses', () => {
  test.each(['__proto__', 'prototype', 'constructor'])('the field %s', (name) => {
    const definition = defineState('app', () => ({ count: 1, [name]: 1 }))
    expect(() => shapeOf(definition)).toThrow(/cannot be the name of a field/)
  })

  test.each(['prototype', 'constructor'])('the name %s', (name) => {
    expect(() => defineState(name, () => ({}))).toThrow(/cannot be the name of a state/)
  })

  test.each([
    ['a promise', () => Promise.resolve({ count: 1 })],
    ['an instance of Count', () => new Count()],
    ['an array', () => [1]],
    ['a Map', () => new Map()],
    ['null', () => null],
    ['a number', () => 1],
  ])('an init that gives %s', (what, init) => {
    const definition = defineState('app', init as () => object)
    expect(() => shapeOf(definition)).toThrow(
      `defineState("app"): init must return a plain object of the fields, got ${what}.`,
    )
  })
})

describe('the first values of a store', () => {
  test.each([
    ['null', null, 'null'],
    ['a number', 5, 'a number'],
    ['a text', '', 'a string'],
    ['an array', [], 'an array'],
    ['a Map', new Map(), 'a Map'],
    ['a function', () => {}, 'a function'],
  ])('S9 are refused for a substate where they are %s, by its path', (_, value, what) => {
    expect(() => createInitialState(appState, { part: { deep: value } })).toThrow(
      `initialState: the state "app.part.deep" must be given as a plain object of its fields, got ${what}.`,
    )
  })

  test('S9 leave out what they do not say', () => {
    const { part } = createInitialState(appState, { part: { _own: 9, deep: undefined } }) as { part: object }
    expect(part).toEqual({ part: { value: 1 }, _own: 9, deep: { value: 3 } })
  })
})
