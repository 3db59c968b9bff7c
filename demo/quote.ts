import type { StateOf } from 'leasehold'
import { createStore, defineState, modifyState } from 'leasehold'

export const quoteState = defineState('quote', () => ({
  address: 'quote',
  line: '',
  fetched: 0,
}))

export const quoteStore = createStore(quoteState)

const MAX_LENGTH = 500
const TIMEOUT_MS = 10_000

/**
 * Fetches a line of text and puts it into the state: plain async code, in no task and in no event, that has nothing but the
 * token of a store.
 */
export async function fetchLine(token: string, address: string): Promise<void> {
  // Outside the lease: nobody waits for the network.
  const response = await fetch(address.trim(), { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((cause: Error) => {
    throw new Error(`No answer from "${address}": ${cause.message}`, { cause })
  })
  if (!response.ok) throw new Error(`The server answered ${`${response.status} ${response.statusText}`.trim()}.`)
  const type = response.headers.get('content-type') ?? 'nothing'
  if (!type.startsWith('text/plain')) throw new Error(`The server answered with ${type}, not with plain text.`)
  const [first = ''] = (await response.text()).trim().split('\n', 1)
  if (first === '') throw new Error('The server answered with an empty line.')
  const letters = [...first]
  const line = letters.length > MAX_LENGTH ? `${letters.slice(0, MAX_LENGTH).join('')}…` : first
  await modifyState(token, (state: StateOf<typeof quoteState>) => {
    state.line = line
    state.fetched += 1
  })
}
