// The TypeScript of one page, as the front end that it describes: the files that its blocks name.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { scratchFolder } from './scratch.mjs';
import { run } from './shell.mjs';

export class Project {
  #files = new Map();
  #folder;
  #here;
  #isBuilt = true;

  /** `here` replaces the addresses of the documents by the server's. */
  constructor(here) {
    this.#here = here;
  }

  /** Adds a block to the file that it names, behind what is there. */
  add(file, text) {
    assert.match(file, /^[a-z0-9/.-]+\.ts$/, 'a file of TypeScript is named by a relative path');
    this.#files.set(file, (this.#files.has(file) ? `${this.#files.get(file)}\n\n` : '') + text);
    this.#isBuilt = false;
  }

  /** Type-checks what was added since the last time. */
  async check() {
    if (!this.#isBuilt) await this.#build();
  }

  /** Runs a file and returns what it printed. */
  async run(file) {
    await this.check();
    const script = join(this.#folder, file.replace(/\.ts$/, '.js'));
    return run(process.execPath, ['--import', pathToFileURL(resolve('bundler.mjs')).href, script]);
  }

  async #build() {
    // Slow to load, and most pages have no TypeScript.
    const { transpile, typeCheck } = await import('./typescript.mjs');
    this.#folder ??= scratchFolder();
    for (const [file, text] of this.#files) {
      const path = join(this.#folder, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, this.#here(text));
    }
    const files = [...this.#files.keys()];
    if (this.#files.has('codegen.ts')) {
      const { generate } = await import('@graphql-codegen/cli');
      const script = join(this.#folder, 'codegen.mjs');
      await writeFile(script, transpile(this.#here(this.#files.get('codegen.ts'))));
      const { default: config } = await import(pathToFileURL(script).href);
      const made = await generate({ ...config, cwd: this.#folder, silent: true }, false);
      for (const { filename, content } of made) {
        const path = resolve(this.#folder, filename);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      }
    }
    typeCheck(this.#folder, files, { emit: true });
    this.#isBuilt = true;
  }
}
