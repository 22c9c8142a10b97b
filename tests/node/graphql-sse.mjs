// graphql-sse receives updates in its distinct connections mode.

import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';

const client = createClient({
  url: `${process.env.API_URL}/graphql/stream`,
  headers: async () => ({ Authorization: `Bearer ${process.env.TOKEN}` }),
  retryAttempts: 0,
});
const query = `subscription ($id: ID!) {
  accessRequestChanged(id: $id) { accessRequest { id status } deletedId }
}`;
for await (const { data, errors } of client.iterate({ query, variables: { id: process.env.REQUEST } })) {
  assert.equal(errors, undefined, JSON.stringify(errors));
  const { accessRequest, deletedId } = data.accessRequestChanged;
  assert.equal(accessRequest?.id ?? deletedId, process.env.REQUEST);
  console.log(accessRequest?.status ?? 'gone');
}
console.log('complete');
client.dispose();
