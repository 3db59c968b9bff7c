import { workerTasks } from 'leasehold'
import type { TaskTasks } from './fixtures/task-scenario.worker.ts'
import { describeTaskScenarios } from './fixtures/task-scenarios.ts'

describeTaskScenarios({
  name: 'real workers',
  source: (options) =>
    workerTasks<TaskTasks>(
      () => new Worker(new URL('./fixtures/task-scenario.worker.ts', import.meta.url), { type: 'module' }),
      options,
    ),
  thread: true,
})
