/*
 * The rows on the screen, with React, and a count of how often a row was rendered.
 */
import { observer } from 'mobx-react-lite'
import type { ComponentType } from 'react'
import { memo, useSyncExternalStore } from 'react'
import { flushSync } from 'react-dom'
import { createRoot } from 'react-dom/client'
import type { RowApp } from './apps.js'
import type { Row } from './rows.js'

export interface MountedRows {
  /** How many times a row was rendered since the last call. */
  takeRendered(): number
  /** The text on the screen. */
  text(): string
  unmount(): void
}

interface LineProps {
  readonly row: Row
  readonly onRender: () => void
}

interface ListProps {
  readonly app: RowApp
  readonly visible: number
  readonly onRender: () => void
}

function Line({ row, onRender }: LineProps) {
  onRender()
  return <li>{lineText(row)}</li>
}

const ObservedLine = observer(Line)
const MemoLine = memo(Line)

function lines(rows: readonly Row[], { visible, onRender }: ListProps, LineOf: ComponentType<LineProps>) {
  return (
    <ul>
      {rows.slice(0, visible).map((row) => (
        <LineOf key={row.id} row={row} onRender={onRender} />
      ))}
    </ul>
  )
}

/** For rows that are MobX's. */
const ObservedList = observer((props: ListProps) => lines(props.app.rows(), props, ObservedLine))

/** For rows that are replaced, and an app that says when. */
function SubscribedList(props: ListProps) {
  const { app } = props
  const rows = useSyncExternalStore(subscriptionOf(app), () => app.rows())
  return lines(rows, props, MemoLine)
}

const unsubscribed = () => () => {}

function subscriptionOf({ subscribe }: RowApp) {
  return subscribe ?? unsubscribed
}

function lineText({ id, name, price, done, group }: Row): string {
  return `${id} ${name}: ${price} ${done ? 'done' : 'open'} ${group}`
}

/** Shows the first rows of an app: with `observer` where they are MobX's, else with `useSyncExternalStore`. */
export function mountRows(app: RowApp, visible: number): MountedRows {
  let rendered = 0
  const onRender = () => {
    rendered += 1
  }
  const place = document.createElement('div')
  document.querySelector('#stage')?.append(place)
  const root = createRoot(place)
  const List = app.subscribe ? SubscribedList : ObservedList
  flushSync(() => root.render(<List app={app} visible={visible} onRender={onRender} />))
  return {
    takeRendered() {
      const count = rendered
      rendered = 0
      return count
    },
    text: () => place.textContent ?? '',
    unmount() {
      root.unmount()
      place.remove()
    },
  }
}

/** The text that {@link mountRows} should show. */
export function expectedText(rows: readonly Row[], visible: number): string {
  return rows.slice(0, visible).map(lineText).join('')
}
