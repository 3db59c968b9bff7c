import { inlineTasks } from 'leasehold/testing'
import taskTasks from './fixtures/task-scenario.worker.ts'
import { describeTaskScenarios } from './fixtures/task-scenarios.ts'

describeTaskScenarios({
  name: 'inline',
  source: (options) => ({ ...inlineTasks(taskTasks), ...options }),
  thread: false,
})
