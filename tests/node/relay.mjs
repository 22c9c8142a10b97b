// relay-compiler builds one operation for each root field; lists are paged by @connection, and what has an id is
// fetched again by @refetchable.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { buildSchema, getNamedType } from 'graphql';

import { capitalised, isConnection, isNode, operation, rootFields, selection } from './operations.mjs';
import { scratchFolder } from './scratch.mjs';

const SCHEMA = resolve('../../schema.graphql');

const schema = buildSchema(await readFile(SCHEMA, 'utf8'));
const folder = scratchFolder();
const source = join(folder, 'src');
await mkdir(source);
await mkdir(join(folder, 'made'));

// Relay wants each document in a module that it is named after.
const modules = new Map();
for (const root of rootFields(schema)) {
  modules.set(`${root.name}${capitalised(root.root)}`, [operation(schema, root)]);
}

/** A field of a type as a list that can be paged and fetched again, by a fragment on the type. */
function pagedList(type, field) {
  const module = `${type.name}${capitalised(field.name)}List`;
  const edges = selection(schema, getNamedType(field.type));
  const own = field.args.filter(({ name }) => !['first', 'after', 'last', 'before'].includes(name));
  const defined = own.map(({ name, type }) => `${name}: { type: "${type}" }`).join(', ');
  const others = own.map(({ name }) => `, ${name}: $${name}`).join('');
  modules.set(module, [
    `fragment ${module}_of on ${type.name}
       @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" } ${defined})
       @refetchable(queryName: "${module}PageQuery")
     { ${field.name}(first: $count, after: $cursor${others}) @connection(key: "${module}_${field.name}") { ${edges} } }`,
  ]);
  return `${module}_of`;
}

// The lists of the query root are fragments on Query, those of objects on the object.
const lists = [];
for (const type of [schema.getQueryType(), ...Object.values(schema.getTypeMap()).filter(isNode)]) {
  for (const field of Object.values(type.getFields()).filter(({ type }) => isConnection(getNamedType(type)))) {
    const fragment = pagedList(type, field);
    lists.push(fragment);
    const spread = type === schema.getQueryType()
      ? `...${fragment}`
      : `node(id: $id) { ...${fragment} @alias }`;
    const module = `${fragment.replace(/_of$/, '')}Screen`;
    modules.set(module, [`query ${module}Query${spread.includes('$id') ? '($id: ID!)' : ''} { ${spread} }`]);
  }
}

// Every object that has an id can be fetched again by it.
const refetched = Object.values(schema.getTypeMap()).filter(isNode);
for (const { name } of refetched) {
  const module = `${name}Card`;
  modules.set(module, [
    `fragment ${module}_it on ${name} @refetchable(queryName: "${module}AgainQuery") { ${selection(schema, schema.getType(name))} }`,
    `query ${module}Query($id: ID!) { node(id: $id) { ...${module}_it @alias } }`,
  ]);
}

for (const [module, documents] of modules) {
  const tags = documents.map((document) => `graphql\`${document}\`;\n`).join('\n');
  await writeFile(join(source, `${module}.ts`), `import { graphql } from 'relay-runtime';\n\n${tags}`);
}
await writeFile(
  join(folder, 'relay.config.json'),
  JSON.stringify({
    src: 'src',
    schema: relative(folder, SCHEMA),
    artifactDirectory: 'made',
    language: 'typescript',
    customScalarTypes: { DateTime: 'string', JSON: 'unknown', URL: 'string' },
    requireCustomScalarTypes: true,
  }),
);
// The package's own wrapper picks the binary for this machine. Without Watchman, it reads the folder itself.
execFileSync(process.execPath, [resolve('node_modules/relay-compiler/cli.js'), 'relay.config.json'], {
  cwd: folder,
  env: { ...process.env, FORCE_NO_WATCHMAN: '1' },
  stdio: 'inherit',
});

const made = new Set(await readdir(join(folder, 'made')));
const wanted = [
  ...rootFields(schema).map(({ name, root }) => `${name}${capitalised(root)}`),
  ...lists.flatMap((fragment) => [fragment, fragment.replace(/_of$/, 'PageQuery')]),
  ...refetched.flatMap(({ name }) => [`${name}Card_it`, `${name}CardAgainQuery`]),
];
assert.deepEqual(wanted.filter((name) => !made.has(`${name}.graphql.ts`)), []);
console.log(`${made.size} artifacts made, ${lists.length} lists paged, ${refetched.length} types fetched again`);
