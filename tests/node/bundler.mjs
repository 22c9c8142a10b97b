// Makes Node.js run a front end's code: it finds modules as bundlers do, `./gql` for `./gql/index.js`.

import { webcrypto } from 'node:crypto';
import { register } from 'node:module';
import { WebSocket } from 'ws';

// Every browser has these, and newer versions of Node.js.
globalThis.crypto ??= webcrypto;
globalThis.WebSocket ??= WebSocket;

const hook = `
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function resolve(specifier, context, next) {
  if (/^[.][.]?[/]/.test(specifier) && context.parentURL?.startsWith('file:')) {
    const url = new URL(specifier, context.parentURL).href;
    for (const candidate of [url, url + '.js', url + '/index.js']) {
      const path = fileURLToPath(candidate);
      if (existsSync(path) && statSync(path).isFile()) return next(candidate, context);
    }
  }
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
