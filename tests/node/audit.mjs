// Every audit of the GraphQL-over-HTTP specification, MUST, SHOULD and MAY, as `graphql-http` brings them.

import assert from 'node:assert/strict';
import { auditServer } from 'graphql-http';

const results = await auditServer({ url: process.env.GRAPHQL_URL });
const levels = { MUST: 0, SHOULD: 0, MAY: 0 };
const failures = [];
for (const { id, name, status, reason } of results) {
  // The level stands in the name; the status of what does not pass says no more than how bad that is.
  levels[name.split(' ')[0]] += 1;
  if (status !== 'ok') failures.push(`${id} ${name}: ${reason}`);
}
console.log(`${results.length - failures.length} of ${results.length} audits passed:`, levels);
assert.deepEqual(failures, []);
// A new version of the package may bring more: then look at them, and count anew.
assert.equal(results.length, 61);
