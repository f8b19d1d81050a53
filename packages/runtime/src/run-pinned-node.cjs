'use strict';

// Lets an executable run on the pinned Node, whichever Node started it. Old JavaScript, as pinned-node.cjs says.

const { spawn } = require('child_process');

const { findPinnedNode, isNewEnough, whyItDoesNotRun } = require('./pinned-node.cjs');

const forwardedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];

/**
 * Runs `main(argv, env)` of the program that `load` imports when this Node is new enough. Otherwise runs `file`, which
 * made this call, again with the pinned Node, with the same arguments and standard streams, and ends as that process
 * ends, by exit code or by signal.
 */
function runPinnedNode(file, load) {
  if (isNewEnough(process.versions.node)) {
    return load().then((program) => program.main(process.argv.slice(2), process.env));
  }
  const found = findPinnedNode(__dirname);
  if (found.problem !== undefined) return refuse(found.problem);
  // The IPC channel carries nothing: its end tells the child that this process was killed outright.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(found.node, [file].concat(process.argv.slice(2)), { stdio });
  for (const signal of forwardedSignals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => refuse(whyItDoesNotRun(found.node) || error.message));
  return child.on('exit', endAs);
}

function refuse(problem) {
  process.stderr.write(problem + '\n');
  process.exitCode = 1;
}

/** A shell, or a supervisor, must see how the child ended: killed by SIGKILL is not exit code 137. */
function endAs(code, signal) {
  if (signal === null) process.exit(code);
  for (const forwarded of forwardedSignals) process.removeAllListeners(forwarded);
  process.kill(process.pid, signal);
}

module.exports = { runPinnedNode };
