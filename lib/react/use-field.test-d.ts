import { createStore, defineState } from '../index.js'
import type { CheckboxField, TextField } from './index.js'
import { useField } from './index.js'

const store = createStore(
  defineState('form', () => ({
    text: '',
    amount: 0,
    agreed: false,
    order: 'asc' as 'asc' | 'desc',
    rows: [] as string[],
    maybe: undefined as string | undefined,
    _secret: '',
    get long() {
      return this.text.length
    },
  })),
)

/** Never called: what compiles is the test. */
export function useTypes(): unknown {
  const text: TextField = useField(store, 'text')
  const amount: TextField = useField(store, 'amount')
  const order: TextField = useField(store, 'order')
  const agreed: CheckboxField = useField(store, 'agreed')
  // @ts-expect-error a checkbox has no value
  useField(store, 'agreed').value
  // @ts-expect-error no input shows a list
  useField(store, 'rows')
  // @ts-expect-error no input shows undefined
  useField(store, 'maybe')
  // @ts-expect-error a backend field
  useField(store, '_secret')
  // @ts-expect-error a getter
  useField(store, 'long')
  // @ts-expect-error no such field
  useField(store, 'texts')
  return [text, amount, order, agreed]
}
