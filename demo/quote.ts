import type { StateOf } from 'leasehold'
import { createStore, defineState, modifyState } from 'leasehold'

export const quoteState = defineState('quote', () => ({
  address: 'quote',
  line: '',
  fetched: 0,
}))

export const quoteStore = createStore(quoteState)

const MAX_LENGTH = 500

/**
 * Fetches a line of text and puts it into the state: plain async code, in no task and in no event, that has nothing but the
 * token of a store.
 */
export async function fetchLine(token: string, address: string): Promise<void> {
  const response = await fetch(address) // outside the lease: nobody waits for the network
  if (!response.ok) throw new Error(`The server answered ${`${response.status} ${response.statusText}`.trim()}.`)
  const type = response.headers.get('content-type') ?? 'nothing'
  if (!type.startsWith('text/plain')) throw new Error(`The server answered with ${type}, not with plain text.`)
  const line = (await response.text()).trim().slice(0, MAX_LENGTH)
  await modifyState(token, (state: StateOf<typeof quoteState>) => {
    state.line = line
    state.fetched += 1
  })
}
