#!/usr/bin/env node
'use strict';

const { runPinnedNode } = require('@causeway/runtime/run-pinned-node.cjs');

runPinnedNode(__filename, () => import('../src/main.ts'));
