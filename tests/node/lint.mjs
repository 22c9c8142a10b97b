// The schema passes the rules in eslint.config.mjs.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ESLint } from 'eslint';
import { buildSchema, printSchema } from 'graphql';

const eslint = new ESLint();

async function faults(schema) {
  // As introspection gives it to every tool: the file's own quotes and the specification's directives are left behind.
  const text = printSchema(schema);
  // The path only says which configuration holds; ESLint refuses files outside of its folder.
  const results = await eslint.lintText(text, { filePath: 'schema.graphql' });
  const lines = text.split('\n');
  return results.flatMap(({ messages }) =>
    messages.map(({ line, message, ruleId }) => `${ruleId}: ${message} (${lines[line - 1]?.trim()})`),
  );
}

// What the rules are for is refused, so they are in force.
const bad = await faults(buildSchema('"Reads." type Query { "A thing." bad_thing(first: Int): Thing } "A thing." type Thing { name: Int }'));
for (const rule of ['naming-convention', 'require-description', 'strict-id-in-types']) {
  assert.ok(bad.some((fault) => fault.includes(rule)), `${rule} is not in force`);
}
assert.deepEqual(await faults(buildSchema(await readFile('../../schema.graphql', 'utf8'))), []);
