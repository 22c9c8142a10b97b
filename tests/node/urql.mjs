// urql pages through the products with Graphcache, its normalised cache.

import assert from 'node:assert/strict';
import { Client, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { buildSchema, introspectionFromSchema } from 'graphql';
import { readFile } from 'node:fs/promises';

import { createProducts } from './caller.mjs';

const COUNT = 25;
const ids = await createProducts(COUNT);

const schema = introspectionFromSchema(buildSchema(await readFile('../../schema.graphql', 'utf8')));
const client = new Client({
  url: process.env.GRAPHQL_URL,
  preferGetMethod: false,
  exchanges: [cacheExchange({ schema, resolvers: { Query: { products: relayPagination() } } }), fetchExchange],
  fetchOptions: { headers: { Authorization: `Bearer ${process.env.ADMIN_TOKEN}` } },
});

const PRODUCTS = gql`
  query Products($first: Int!, $after: String) {
    products(first: $first, after: $after, orderBy: { field: NAME, direction: ASC }) {
      edges { cursor node { id name } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

let after = null;
let page;
do {
  page = await client.query(PRODUCTS, { first: 10, after }).toPromise();
  assert.equal(page.error, undefined, String(page.error));
  after = page.data.products.pageInfo.endCursor;
} while (page.data.products.pageInfo.hasNextPage);
// The last answer shows all pages merged.
assert.deepEqual(page.data.products.edges.map(({ node }) => node.id), ids);

const RENAME = gql`
  mutation Rename($id: ID!, $name: String!) {
    updateProduct(input: { id: $id, name: $name }) { product { id name } userErrors { field code message } }
  }
`;
const renamed = await client.mutation(RENAME, { id: ids[0], name: 'Product 01, renamed' }).toPromise();
assert.deepEqual(renamed.data.updateProduct.userErrors, []);
const cached = client.readQuery(PRODUCTS, { first: 10, after });
assert.equal(cached.data.products.edges[0].node.name, 'Product 01, renamed');
console.log(`${COUNT} products paged through`);
