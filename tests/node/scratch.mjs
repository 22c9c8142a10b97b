// A folder for what a script makes, below the project, so that what is made finds the project's packages; gone with
// the script.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function scratchFolder() {
  const all = fileURLToPath(new URL('scratch', import.meta.url));
  mkdirSync(all, { recursive: true });
  const folder = mkdtempSync(join(all, 'of-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
