#!/usr/bin/env node
import process from 'node:process'

import { runCli } from './run-cli.ts'

// Ends the process whatever the application has left open: a pool that was made on import would keep it for ever.
process.exit(await runCli(process.argv.slice(2)))
