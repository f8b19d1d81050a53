'use strict';

// Runs before everything else that npm starts here: without the pinned Node the errors would be riddles.
// By path, not by package name: node_modules may be what is missing.

const { findPinnedNode, isNewEnough, whyItDoesNotRun } = require('../packages/runtime/src/pinned-node.cjs');

function problemWithNode() {
  if (isNewEnough(process.versions.node)) return undefined;
  const found = findPinnedNode(__dirname);
  return found.problem || whyItDoesNotRun(found.node);
}

const problem = problemWithNode();
if (problem !== undefined) {
  process.stderr.write(problem + '\n');
  process.exitCode = 1;
}
