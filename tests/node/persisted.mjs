// Apollo Client's automatic persisted queries: the hash first, the text once, the hash alone from then on; by GET, too.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** Asks twice, and tells what was sent: `hash`, or `hash and text`. */
async function ask(query, useGETForHashedQueries) {
  const sent = [];
  const client = new ApolloClient({
    link: ApolloLink.from([
      new PersistedQueryLink({ sha256, useGETForHashedQueries }),
      new HttpLink({
        uri: process.env.GRAPHQL_URL,
        fetch: (url, request) => {
          const hasText = request.method === 'GET' ? new URL(url).searchParams.has('query') : 'query' in JSON.parse(request.body);
          sent.push(`${request.method} ${hasText ? 'hash and text' : 'hash'}`);
          return fetch(url, request);
        },
      }),
    ]),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: 'no-cache' } },
  });
  for (let time = 0; time < 2; time += 1) {
    const { data } = await client.query({ query });
    assert.equal(typeof data.portal.name, 'string');
  }
  return sent;
}

assert.deepEqual(await ask(gql`query ByPost { portal { name } }`, false), ['POST hash', 'POST hash and text', 'POST hash']);
assert.deepEqual(await ask(gql`query ByGet { portal { name } }`, true), ['GET hash', 'POST hash and text', 'GET hash']);
