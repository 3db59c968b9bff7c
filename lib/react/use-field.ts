/*
 * `useField`: a field of the state in a controlled input.
 *
 * - What is typed is shown at once, with its caret, whoever holds the lease: the input shows the text while its event waits.
 * - A change from elsewhere is followed, but not over text that has not been committed yet.
 * - A number field keeps the text in which its number is being written (`1.`, `007`, nothing yet) until it is left.
 */

import { useEffect, useMemo, useRef, useState } from 'react'
import { StoreDisposedError } from '../errors.js'
import type { EventRun } from '../store/event-request.js'
import { useValue } from './use-value.js'

/** What `useField` needs of a store. */
export interface FieldStore {
  readonly state: object
  readonly set: object
}

/** The names of the fields of a store that an input can show: strings, numbers, booleans, and unions of their literals. */
export type FieldName<S extends FieldStore> = {
  [K in keyof S['set'] & keyof S['state'] & string]: S['state'][K] extends string | number | boolean ? K : never
}[keyof S['set'] & keyof S['state'] & string]

/** Props of an `<input>`, `<textarea>` or `<select>` for a string or a number. */
export interface TextField {
  readonly value: string
  onChange(event: { readonly currentTarget: { readonly value: string } }): void
  /** A number field shows the number as it is, once it is left. */
  onBlur(): void
}

/** Props of an `<input type="checkbox">`. */
export interface CheckboxField {
  readonly checked: boolean
  onChange(event: { readonly currentTarget: { readonly checked: boolean } }): void
}

/** The props that fit a field's type. */
export type Field<Value> = [Value] extends [boolean] ? CheckboxField : TextField

/** Something typed that is not known to be in the state. */
interface Typed {
  readonly text: string | boolean
  /** Its event is in the line. */
  readonly waits: boolean
}

type Value = string | number | boolean
type ChangeEvent = { readonly currentTarget: { readonly value: string; readonly checked: boolean } }

/**
 * Binds an input to a field of the state: `<input {...useField(store, 'text')} />`.
 *
 * A string field gives `value`; a boolean one `checked`, for a checkbox; a number is written and shown as text, and set
 * whenever the text is a finite number. Props of your own go behind the spread; an `onBlur` of your own then has to call the
 * field's for numbers.
 *
 * The setter of a store that has been disposed of does nothing here; any other error of it is thrown as an uncaught error.
 *
 * @param store a store, always the same one
 * @param field the name of a top-level field that has a setter
 * @example
 * function MaxCounter() {
 *   const maxCounter = useField(store, 'maxCounter')
 *   return <label>Maximum <input type="number" {...maxCounter} /></label>
 * }
 */
export function useField<S extends FieldStore, K extends FieldName<S>>(store: S, field: K): Field<S['state'][K]> {
  // The type of `field` says that the state has it as a value, and `set` as a function.
  const value = useValue(() => (store.state as Readonly<Record<string, Value>>)[field] as Value)
  const [typed, setTyped] = useState<Typed>()
  const kind = useRef(typeof value)
  useEffect(() => {
    kind.current = typeof value
  }, [value])

  const handlers = useMemo(() => {
    const set = (text: string | boolean) => {
      const next = typeof text === 'boolean' ? text : toValue(text, kind.current)
      if (next === undefined) {
        setTyped({ text, waits: false })
        return
      }
      const run = (store.set as Readonly<Record<string, (value: Value) => EventRun<void>>>)[field]?.(next)
      const now: Typed = { text, waits: run?.ran === false }
      setTyped(now)
      if (run === undefined || !now.waits) return
      const settle = () => setTyped((latest) => (latest === now ? { text, waits: false } : latest))
      run.then(settle, (error: unknown) => {
        setTyped((latest) => (latest === now ? undefined : latest))
        if (error instanceof StoreDisposedError) return
        setTimeout(() => {
          throw error // nobody else has it: whoever awaits a run takes its error over
        })
      })
    }
    return {
      setText: ({ currentTarget }: ChangeEvent) => set(currentTarget.value),
      setChecked: ({ currentTarget }: ChangeEvent) => set(currentTarget.checked),
      leave: () => setTyped((latest) => (latest?.waits ? latest : undefined)),
    }
  }, [store, field])

  const shown = typed !== undefined && isOpen(typed, value) ? typed.text : value
  const props =
    typeof value === 'boolean'
      ? { checked: shown === true, onChange: handlers.setChecked }
      : { value: String(shown), onChange: handlers.setText, onBlur: handlers.leave }
  return props as Field<S['state'][K]> // by the kind of the value, as the type says
}

/** Whether the text still stands for what is, or is to be, in the state. */
function isOpen({ text, waits }: Typed, value: Value): boolean {
  if (waits) return true
  const next = typeof text === 'boolean' ? text : toValue(text, typeof value)
  return next === undefined || Object.is(next, value)
}

/** What a text says; undefined for a number that is not finished. */
function toValue(text: string, kind: string): Value | undefined {
  if (kind !== 'number') return text
  const number = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : undefined
}
