import { inlineTasks } from 'leasehold/testing'
import scenarioTasks from './fixtures/scenario.worker.ts'
import { describeScenarios } from './fixtures/scenarios.ts'

describeScenarios({ name: 'inline', source: () => inlineTasks(scenarioTasks), thread: false })
