// Apollo Client pages through the products with its normalised cache.

import assert from 'node:assert/strict';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

import { createProducts } from './caller.mjs';

const COUNT = 25;
const ids = await createProducts(COUNT);

let requests = 0;
const client = new ApolloClient({
  link: new HttpLink({
    uri: process.env.GRAPHQL_URL,
    headers: { Authorization: `Bearer ${process.env.ADMIN_TOKEN}` },
    fetch: (...call) => {
      requests += 1;
      return fetch(...call);
    },
  }),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { products: relayStylePagination(['filter', 'orderBy']) } } },
  }),
});

const PRODUCTS = gql`
  query Products($first: Int!, $after: String) {
    products(first: $first, after: $after, orderBy: { field: NAME, direction: ASC }) {
      edges { cursor node { id name slug } }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
`;

const list = client.watchQuery({ query: PRODUCTS, variables: { first: 10 } });
let shown;
let wanted = () => {};
const subscription = list.subscribe((result) => {
  shown = result;
  wanted();
});
/** Waits until what the page shows is as told; the script's own bound of time ends a wait in vain. */
const shows = (condition) =>
  new Promise((resolve) => {
    wanted = () => shown?.data?.products && condition(shown.data.products) && resolve(shown.data.products);
    wanted();
  });
const names = ({ edges }) => edges.map(({ node }) => node.name);

const first = await shows(({ edges }) => edges.length === 10);
assert.equal(first.totalCount, COUNT);
assert.equal(first.pageInfo.hasNextPage, true);

// Each page is merged behind the ones before it.
await list.fetchMore({ variables: { after: first.pageInfo.endCursor } });
const second = await shows(({ edges }) => edges.length === 20);
await list.fetchMore({ variables: { after: second.pageInfo.endCursor } });
const all = await shows(({ edges }) => edges.length === COUNT);
assert.equal(all.pageInfo.hasNextPage, false);
assert.equal(requests, 3);
assert.deepEqual(all.edges.map(({ node }) => node.id), ids);
assert.deepEqual(names(all), [...names(all)].sort());

// Every product stands once in the cache, under its id.
const cached = () => Object.keys(client.cache.extract()).filter((key) => key.startsWith('Product:'));
assert.deepEqual(cached().sort(), ids.map((id) => `Product:${id}`).sort());

// What a mutation answers shows in the list at once: first as it is hoped for, then as the server has it.
const RENAME = gql`
  mutation Rename($id: ID!, $name: String!) {
    updateProduct(input: { id: $id, name: $name }) {
      product { id name slug }
      userErrors { field code message }
    }
  }
`;
const { id, slug } = all.edges[3].node;
const renamed = client.mutate({
  mutation: RENAME,
  variables: { id, name: 'Product 04, renamed' },
  optimisticResponse: {
    updateProduct: {
      __typename: 'UpdateProductPayload',
      product: { __typename: 'Product', id, name: 'Product 04, in a moment', slug },
      userErrors: [],
    },
  },
});
await shows(({ edges }) => edges[3].node.name === 'Product 04, in a moment');
await renamed;
const after = await shows(({ edges }) => edges[3].node.name === 'Product 04, renamed');
assert.equal(after.edges.length, COUNT);
assert.equal(requests, 4, 'the list was not asked for again');

// What is in the cache is read without asking again, by another query on the same object.
const one = await client.query({
  query: gql`query One($id: ID!) { product(id: $id) { id name } }`,
  variables: { id },
});
assert.equal(one.data.product.name, 'Product 04, renamed');
assert.equal(requests, 5);
assert.equal(cached().length, COUNT, 'the same object is stored once');

// Refused: the cache goes back to what it had, and the reason is data.
const refused = await client.mutate({
  mutation: RENAME,
  variables: { id, name: '' },
  optimisticResponse: {
    updateProduct: {
      __typename: 'UpdateProductPayload',
      product: { __typename: 'Product', id, name: '', slug },
      userErrors: [],
    },
  },
});
assert.deepEqual(refused.data.updateProduct.userErrors.map(({ code, field }) => [code, field]), [['REQUIRED', ['name']]]);
assert.equal((await shows(() => true)).edges[3].node.name, 'Product 04, renamed');

subscription.unsubscribe();
client.stop();
console.log(`${COUNT} products paged through, ${requests} requests`);
