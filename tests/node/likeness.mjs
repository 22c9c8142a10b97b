// Whether what happened is what a page shows. `…` stands for whatever comes there.

import assert from 'node:assert/strict';

/** Fails unless a JSON answer has everything that the example has; it may have more fields. */
export function answered(actual, example, path = 'the answer') {
  if (Array.isArray(example)) {
    assert.ok(Array.isArray(actual), `${path} is no list: ${JSON.stringify(actual)}`);
    assert.equal(actual.length, example.length, `${path} has ${JSON.stringify(actual)}`);
    example.forEach((item, index) => answered(actual[index], item, `${path}[${index}]`));
  } else if (example !== null && typeof example === 'object') {
    assert.ok(actual !== null && typeof actual === 'object', `${path} is no object: ${JSON.stringify(actual)}`);
    for (const [key, value] of Object.entries(example)) answered(actual[key], value, `${path}.${key}`);
  } else if (typeof example === 'string' && example.includes('…')) {
    assert.match(String(actual), pattern(example), path);
  } else {
    assert.deepEqual(actual, example, path);
  }
}

/** Fails unless each line of the example stands in what was printed, in this order; other lines may be between. */
export function shown(printed, example) {
  const lines = printed.split(/\r?\n/);
  let from = 0;
  for (const wanted of example.split('\n').filter((line) => line.trim() !== '' && line.trim() !== '…')) {
    const found = lines.findIndex((line, index) => index >= from && pattern(wanted.trim()).test(line.trim()));
    assert.ok(found >= 0, `not printed: ${wanted}\n${printed}`);
    from = found + 1;
  }
}

function pattern(example) {
  const parts = example.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
