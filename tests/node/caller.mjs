// Plain requests, for what a script needs before the client under test comes in.

import assert from 'node:assert/strict';

/** Runs a document as whoever has the token; fails on any error, user errors included. */
export async function call(query, variables = {}, token = process.env.ADMIN_TOKEN) {
  const response = await fetch(process.env.GRAPHQL_URL, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  for (const [field, payload] of Object.entries(data)) {
    assert.deepEqual(payload?.userErrors ?? [], [], field);
  }
  return data;
}

/** Creates published products `Product 01`, `Product 02`, …, and returns their ids in this order. */
export async function createProducts(count) {
  const ids = [];
  for (let index = 1; index <= count; index += 1) {
    const name = `Product ${String(index).padStart(2, '0')}`;
    const { createProduct } = await call(
      'mutation ($name: String!) { createProduct(input: { name: $name }) { product { id } userErrors { code message } } }',
      { name },
    );
    ids.push(createProduct.product.id);
    await call('mutation ($id: ID!) { publishProduct(input: { id: $id }) { userErrors { code message } } }', {
      id: createProduct.product.id,
    });
  }
  return ids;
}
