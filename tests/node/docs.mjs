// The examples of one page of the documents hold: docs/how-to-write-examples.md says how they are marked.
//
// In: PAGE (its path), the server's addresses, ADMIN_TOKEN, DEVELOPER_TOKEN and UPSTREAM_URL.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';

import { answered, shown } from './likeness.mjs';
import { blocks, follows } from './markdown.mjs';
import { Project } from './project.mjs';
import { shell } from './shell.mjs';

const { PAGE, GRAPHQL_URL, API_URL, GATEWAY_URL, UPSTREAM_URL } = process.env;

const markdown = await readFile(PAGE, 'utf8');
const page = basename(PAGE);
const schema = buildSchema(await readFile('../../schema.graphql', 'utf8'));
const all = blocks(page, markdown);

/** Access tokens by who they are of. */
const tokens = { anyone: undefined, admin: process.env.ADMIN_TOKEN, developer: process.env.DEVELOPER_TOKEN };

/** Every text of every answer so far, the latest first: what `prod_…` in an example stands for. */
const seen = [];

/** The addresses that the documents use, replaced by the server's. */
function here(text) {
  return text
    .replaceAll('ws://localhost:4000', API_URL.replace('http:', 'ws:'))
    .replaceAll('http://localhost:4000', API_URL)
    .replaceAll('http://localhost:8000', GATEWAY_URL)
    .replaceAll('http://127.0.0.1:9000', UPSTREAM_URL);
}

/** An example's text, each `prod_…` in it replaced by the last text that was answered and begins so. */
function recalled(text) {
  return text.replace(/([A-Za-z0-9_.-]+)…/g, (whole, start) => {
    const value = seen.find((value) => value.startsWith(start));
    assert.ok(value, `nothing that was answered so far begins with ${whole}`);
    return value;
  });
}

function remember(value) {
  if (typeof value === 'string') seen.unshift(value);
  else if (value !== null && typeof value === 'object') Object.values(value).forEach(remember);
}

function token(name) {
  assert.ok(name in tokens, `nobody is signed in as ${name}: a block that signs them in is marked becomes=${name}`);
  return tokens[name];
}

const counts = { validated: 0, run: 0 };
const project = new Project(here);

const steps = {
  async graphql(block, [variables, answer]) {
    const document = parse(block.text);
    assert.deepEqual(validate(schema, document).map(({ message }) => message), []);
    counts.validated += 1;
    const { as, becomes, refused } = block.options;
    if (as === undefined) return;
    const response = await fetch(GRAPHQL_URL, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token(as) && { Authorization: `Bearer ${token(as)}` }) },
      body: JSON.stringify({
        query: here(block.text),
        variables: variables ? JSON.parse(here(recalled(variables.text))) : {},
      }),
    });
    const body = await response.json();
    const fields = Object.values(body.data ?? {});
    const codes = [
      ...(body.errors ?? []).map(({ extensions }) => extensions.code),
      ...fields.flatMap((payload) => payload?.userErrors ?? []).map(({ code }) => code),
    ];
    assert.deepEqual(codes, refused === undefined ? [] : refused.split(','), JSON.stringify(body));
    if (answer) answered(body, JSON.parse(answer.text));
    remember(body.data);
    if (becomes !== undefined) {
      const session = fields.map((payload) => payload?.session).find(Boolean);
      assert.ok(session?.accessToken, 'becomes= needs a session with an accessToken in the answer');
      tokens[becomes] = session.accessToken;
    }
    counts.run += 1;
  },

  async sh(block, [, answer, output]) {
    // Every command can at least be read by a shell.
    await shell(block.text, { check: true });
    counts.validated += 1;
    const { as } = block.options;
    if (as === undefined) return;
    const printed = await shell(here(recalled(block.text)), { variables: { ACCESS_TOKEN: token(as) ?? '' } });
    if (answer) answered(JSON.parse(printed.trim().split('\n').at(-1)), JSON.parse(answer.text));
    if (output) shown(printed, output.text);
    for (const word of printed.match(/[A-Za-z0-9_.-]+/g) ?? []) remember(word);
    counts.run += 1;
  },

  async ts(block, [, , output]) {
    const [file, ...flags] = block.flags;
    // A part of a file that is not shown whole.
    if (file === undefined) return;
    project.add(file, block.text);
    counts.validated += 1;
    if (!flags.includes('run')) return;
    const printed = await project.run(file);
    if (output) shown(printed, output.text);
    counts.run += 1;
  },
};

/** What stands right behind a block and belongs to it: its variables, the answer, the output. */
function companions(index) {
  const found = [];
  const kinds = [
    ({ language, flags }) => language === 'json' && !flags.includes('answer'),
    ({ language, flags }) => language === 'json' && flags.includes('answer'),
    ({ language, flags }) => language === 'text' && flags.includes('answer'),
  ];
  for (let last = all[index], at = index + 1; follows(markdown, last, all[at]); last = all[at], at += 1) {
    const kind = kinds.findIndex((isKind) => isKind(all[at]));
    if (kind === -1 || found[kind]) break;
    found[kind] = all[at];
  }
  return found;
}

for (const [index, block] of all.entries()) {
  try {
    await steps[block.language]?.(block, companions(index));
  } catch (error) {
    throw new Error(`${page}:${block.line}: ${error.message}`, { cause: error });
  }
}
await project.check();
console.log(`${page}: ${counts.validated} examples checked, ${counts.run} run`);
