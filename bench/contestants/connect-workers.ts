import type { Remote } from 'comlink'
import { expose, transfer, wrap } from 'comlink'

/** A worker that Comlink exposes and that calls its page back over a port. */
export interface Connectable {
  connect(port: MessagePort): void
}

/** Starts workers and gives each a port to the page, as Comlink's documentation shows it. */
export async function connectWorkers<W extends Connectable>(size: number, start: () => Worker, page: object) {
  const workers = Array.from({ length: size }, start)
  const remotes = workers.map((worker) => wrap<W>(worker))
  for (const remote of remotes) {
    const { port1, port2 } = new MessageChannel()
    expose(page, port1)
    // What every remote has; the type of a remote of something generic is not worked out.
    await (remote as unknown as Remote<Connectable>).connect(transfer(port2, [port2]))
  }
  return {
    remotes,
    /** The remotes in turn: tasks are dealt out to the workers. */
    remoteOf: (index: number) => remotes[index % size] as Remote<W>,
    terminate() {
      for (const worker of workers) worker.terminate()
    },
  }
}
