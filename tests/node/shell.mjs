// Commands of an example, run by a shell in a folder of their own.

import { spawn } from 'node:child_process';

import { scratchFolder } from './scratch.mjs';

/** Runs commands and returns what they print; with `check`, only has the shell read them. */
export function shell(commands, { check = false, variables = {} } = {}) {
  return run('bash', [check ? '-n' : '-euo', ...(check ? [] : ['pipefail']), '-c', commands], {
    cwd: check ? undefined : scratchFolder(),
    variables,
  });
}

/** How long an example may take, in milliseconds. */
const PATIENCE = 60_000;

/** Runs a program to its end; fails with its output unless it succeeds in time. */
export function run(program, args, { cwd, variables = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE,
      killSignal: 'SIGKILL',
    });
    let printed = '';
    for (const pipe of [child.stdout, child.stderr]) pipe.setEncoding('utf8').on('data', (text) => (printed += text));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === 0 ? resolve(printed) : reject(new Error(`it failed (${code ?? signal}):\n${printed}`)),
    );
  });
}
