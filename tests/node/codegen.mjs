// graphql-codegen's client preset makes TypeScript of one operation for each root field, and the strictest TypeScript
// accepts it.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from '@graphql-codegen/cli';
import { buildSchema } from 'graphql';

import { capitalised, operation, rootFields } from './operations.mjs';
import { scratchFolder } from './scratch.mjs';
import { typeCheck } from './typescript.mjs';

const SCHEMA = '../../schema.graphql';

const schema = buildSchema(await readFile(SCHEMA, 'utf8'));
const fields = rootFields(schema);
const folder = scratchFolder();
await writeFile(join(folder, 'operations.graphql'), fields.map((field) => operation(schema, field)).join('\n\n'));
await generate(
  {
    schema: SCHEMA,
    documents: join(folder, '*.graphql'),
    silent: true,
    generates: {
      [join(folder, 'gql/')]: {
        preset: 'client',
        // Every scalar must have a type, and every generated file passes `verbatimModuleSyntax`.
        config: { strictScalars: true, useTypeImports: true, scalars: { DateTime: 'string', JSON: 'unknown', URL: 'string' } },
      },
    },
  },
  true,
);

// The client of each operation: its variables and its answer have types of their own.
const documents = fields.map(({ root, name }) => `${name}${capitalised(root)}`);
const generated = await readFile(join(folder, 'gql/graphql.ts'), 'utf8');
for (const name of documents) {
  assert.match(generated, new RegExp(`^export const ${name}Document\\b`, 'm'), `nothing was generated for ${name}`);
}
await writeFile(
  join(folder, 'client.ts'),
  `import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
import * as made from './gql/graphql.js';
type IsTyped<T> = 0 extends 1 & T ? false : true;
${documents
  .map(
    (name) => `export const ${name}: [IsTyped<ResultOf<typeof made.${name}Document>>, IsTyped<VariablesOf<typeof made.${name}Document>>] = [true, true];`,
  )
  .join('\n')}
`,
);
typeCheck(folder, ['client.ts', 'gql/index.ts']);
console.log(`${documents.length} operations generated and checked`);
