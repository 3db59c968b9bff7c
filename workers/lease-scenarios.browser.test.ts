import { workerTasks } from 'leasehold'
import type { LeaseScenarioTasks } from './fixtures/lease-scenario.worker.ts'
import { describeLeaseScenarios } from './fixtures/lease-scenarios.ts'

describeLeaseScenarios({
  name: 'real workers',
  source: (options) =>
    workerTasks<LeaseScenarioTasks>(
      () => new Worker(new URL('./fixtures/lease-scenario.worker.ts', import.meta.url), { type: 'module' }),
      options?.size === undefined ? {} : { size: options.size },
    ),
  thread: true,
})
