// TypeScript as strict as it can be.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import ts from 'typescript';

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  // The declarations of packages are theirs.
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  module: ts.ModuleKind.ES2022,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

/** Checks files below a folder, and writes JavaScript beside them when asked to; fails with what the compiler says. */
export function typeCheck(folder, files, { emit = false } = {}) {
  const options = { ...STRICT, noEmit: !emit, types: ['node'], typeRoots: [join(folder, '../../node_modules/@types')] };
  const program = ts.createProgram(
    files.map((file) => join(folder, file)),
    options,
  );
  const diagnostics = [...ts.getPreEmitDiagnostics(program), ...(emit ? program.emit().diagnostics : [])];
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => folder, getNewLine: () => '\n' };
  assert.equal(diagnostics.length, 0, ts.formatDiagnostics(diagnostics, host));
}
