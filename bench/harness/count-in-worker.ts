// The first import of every worker: its listener is there before anything else of the worker runs.
import { countInWorker } from './count-bytes.js'

countInWorker()
