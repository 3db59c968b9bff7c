/*
 * Who takes part, in the order of the tables.
 */
import type { CounterApp, Maker, RowApp } from './apps.js'
import { byHandCounter, deepRows, mobxAloneRows, referencedRows } from './by-hand/by-hand.js'
import { coactionCounter, coactionRows } from './coaction/coaction.js'
import { floorCounter, floorRows } from './floor/floor.js'
import { keystoneCounter, keystoneRows } from './keystone/keystone.js'
import { leaseholdCounter, leaseholdRows } from './leasehold/store.js'
import { mutativeCounter, mutativeRows } from './mutative/mutative.js'

export const rowApps: readonly Maker<RowApp>[] = [
  leaseholdRows,
  floorRows,
  deepRows,
  referencedRows,
  mutativeRows,
  keystoneRows,
  coactionRows,
  mobxAloneRows,
]

export const counterApps: readonly Maker<CounterApp>[] = [
  leaseholdCounter,
  floorCounter,
  byHandCounter,
  mutativeCounter,
  keystoneCounter,
  coactionCounter,
]

export {
  coactionRows,
  deepRows,
  floorCounter,
  floorRows,
  keystoneRows,
  leaseholdCounter,
  leaseholdRows,
  mobxAloneRows,
  mutativeRows,
  referencedRows,
}
