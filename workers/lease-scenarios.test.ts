import { inlineTasks } from 'leasehold/testing'
import leaseTasks from './fixtures/lease-scenario.worker.ts'
import { describeLeaseScenarios } from './fixtures/lease-scenarios.ts'

describeLeaseScenarios({ name: 'inline', source: () => inlineTasks(leaseTasks), thread: false })
