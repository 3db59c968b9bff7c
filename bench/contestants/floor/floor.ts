/*
 * The floor: the same data by bare calls or bare messages, and nothing done with it. Nobody can be faster on that road.
 */
import type { CounterApp, Maker, RowApp } from '../apps.js'
import { connectWorkers } from '../connect-workers.js'
import type { Row } from '../rows.js'
import type { Floor, FloorMessage, FloorPage } from './floor.worker.js'

const NOTHING = 'moves bytes and does nothing: no state, no lease, nothing observable'

function startWorker(): Worker {
  return new Worker(new URL('./floor.worker.ts', import.meta.url), { type: 'module' })
}

/** Asks the worker by a bare message, and waits for the message that answers it. */
function ask(worker: Worker, message: FloorMessage): Promise<unknown> {
  return new Promise((resolve) => {
    worker.addEventListener('message', function onAnswer({ data }: MessageEvent) {
      worker.removeEventListener('message', onAnswer)
      resolve(data) // reading it is what decodes it
    })
    worker.postMessage(message)
  })
}

export const floorRows: Maker<RowApp> = {
  name: 'floor: bare postMessage',
  lacks: NOTHING,
  async create() {
    const worker = startWorker()
    await ask(worker, { floor: 'prepare', count: 0 })
    let rows: readonly Row[] = []
    return {
      rows: () => rows,
      subscribe: () => () => {},
      async prepare(count) {
        await ask(worker, { floor: 'prepare', count })
      },
      async land() {
        rows = ((await ask(worker, { floor: 'land' })) as { readonly rows: Row[] }).rows
      },
      async operate(operation) {
        await ask(worker, { floor: 'operate', operation })
      },
      dispose: () => worker.terminate(),
    }
  },
}

export const floorCounter: Maker<CounterApp> = {
  name: 'floor: two bare Comlink calls',
  lacks: NOTHING,
  async create({ workers: size = 1 } = {}) {
    let counter = 0
    const page: FloorPage = {
      take: () => counter,
      put: () => {
        counter += 1 // what was read before may be old by now: the floor only counts its calls
      },
    }
    const { remoteOf, terminate } = await connectWorkers<Floor>(size, startWorker, page)
    return {
      counter: () => counter,
      roundTrips: (count) => remoteOf(0).countUp(count),
      async contend(tasks, each) {
        await Promise.all(Array.from({ length: tasks }, (_, index) => remoteOf(index).countUp(each)))
      },
      dispose: terminate,
    }
  },
}
