import '../../harness/count-in-worker.js'
import type { Remote } from 'comlink'
import { expose, wrap } from 'comlink'
import type { Operation, Row } from '../rows.js'
import { makeRows } from '../rows.js'

/** What the page offers to bare calls. */
export interface FloorPage {
  take(): number
  put(value: number): void
}

/** What the page asks of its worker by a bare message; the answer is the data alone. */
export type FloorMessage =
  | { readonly floor: 'prepare'; readonly count: number }
  | { readonly floor: 'land' }
  | { readonly floor: 'operate'; readonly operation: Operation }

/** The new values of one field, in columns. */
export interface Columns {
  readonly indexes: Uint32Array
  readonly prices: Float64Array
}

let page: Remote<FloorPage>
let prepared: Row[] = []

const floor = {
  connect(port: MessagePort) {
    page = wrap<FloorPage>(port)
  },
  /** Two calls a round, and nothing done between them. */
  async countUp(times: number) {
    const start = performance.now()
    for (let count = 0; count < times; count += 1) {
      const counter = await page.take()
      await page.put(counter + 1)
    }
    return ((performance.now() - start) * 1000) / times
  },
  count: (rows: readonly Row[]) => rows.length,
}
export type Floor = typeof floor
expose(floor)

const scope = globalThis as unknown as Worker
scope.addEventListener('message', ({ data }: MessageEvent) => {
  const message = data as Partial<FloorMessage>
  if (message.floor === 'prepare') {
    prepared = makeRows(message.count ?? 0)
    scope.postMessage({ floor: 'prepared' })
  } else if (message.floor === 'land') {
    scope.postMessage({ floor: 'rows', rows: prepared })
  } else if (message.floor === 'operate' && message.operation) {
    const { operation } = message
    scope.postMessage({
      floor: 'operation',
      operation: operation.type === 'write-all' ? columns(operation) : operation,
    })
  }
})

function columns({ price }: { readonly price: number }): Columns {
  return {
    indexes: Uint32Array.from(prepared.keys()),
    prices: new Float64Array(prepared.length).fill(price),
  }
}
