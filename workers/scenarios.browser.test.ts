import { workerTasks } from 'leasehold'
import type { ScenarioTasks } from './fixtures/scenario.worker.ts'
import { describeScenarios } from './fixtures/scenarios.ts'

describeScenarios({
  name: 'real workers',
  source: (options) =>
    workerTasks<ScenarioTasks>(
      () => new Worker(new URL('./fixtures/scenario.worker.ts', import.meta.url), { type: 'module' }),
      {
        ...(options?.size === undefined ? {} : { size: options.size }),
        ...(options?.terminateAfter === undefined ? {} : { terminateAfter: options.terminateAfter }),
      },
    ),
  thread: true,
})
