// graphql-ws, which Apollo, urql and Relay subscribe with, receives updates: of one request from its present state on.

import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const client = createClient({
  url: process.env.GRAPHQL_WS_URL,
  webSocketImpl: WebSocket,
  connectionParams: async () => ({ Authorization: `Bearer ${process.env.TOKEN}` }),
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
// The server completes it when the request is gone.
console.log('complete');
await client.dispose();
