// One operation for each root field of a schema, so that a new field is covered by itself: every argument a variable,
// and a selection of everything that is not too far away.

import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

/** How many objects stand in one another; pages, their edges and payloads are not counted. */
const DEPTH = 2;

/** The root fields: `[{ root: 'query' | 'mutation' | 'subscription', field, name }]`, names unique over all of them. */
export function rootFields(schema) {
  return [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ].flatMap(([root, type]) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({ root, field, name: capitalised(field.name) })),
  );
}

/** The operation of a root field. */
export function operation(schema, { root, field, name }) {
  const type = getNamedType(field.type);
  const rest = isCompositeType(type) ? ` { ${selection(schema, type)} }` : '';
  return `${root} ${name}${capitalised(root)}${variables(field.args)} { ${field.name}${passed(field.args)}${rest} }`;
}

/** `($first: Int, $after: String)`, or nothing. */
export function variables(args) {
  return args.length === 0 ? '' : `(${args.map((argument) => `$${argument.name}: ${argument.type}`).join(', ')})`;
}

/** `(first: $first, after: $after)`, or nothing. */
export function passed(args) {
  return args.length === 0 ? '' : `(${args.map(({ name }) => `${name}: $${name}`).join(', ')})`;
}

/** Whether a type is a page of a list. */
export function isConnection(type) {
  return isObjectType(type) && type.name.endsWith('Connection');
}

/** What stands between the braces of a selection on a type. A prefix gives each field a name of its own. */
export function selection(schema, type, depth = DEPTH, prefix = '') {
  const below = leadsOn(type) ? depth : depth - 1;
  const own = Object.values(type.getFields?.() ?? {})
    .filter(({ args }) => !args.some(isRequiredArgument))
    // What `edges` has as well.
    .filter(({ name }) => !(isConnection(type) && name === 'nodes'))
    .filter((field) => isLeafType(getNamedType(field.type)) || below > 0)
    .map((field) => {
      const named = prefix === '' ? field.name : `${prefix}${field.name}: ${field.name}`;
      const target = getNamedType(field.type);
      return isCompositeType(target) ? `${named} { ${selection(schema, target, below)} }` : named;
    });
  if (!isAbstractType(type)) return own.join(' ');
  // Objects may have the same field with other types, which must not meet in one answer.
  const objects = schema
    .getPossibleTypes(type)
    .map((object) => `... on ${object.name} { ${selection(schema, object, depth, `${uncapitalised(object.name)}_`)} }`);
  return ['__typename', ...own, ...objects].join(' ');
}

/** Whether a type only leads to what is wanted. */
function leadsOn(type) {
  return isConnection(type) || type.name.endsWith('Edge') || type.name.endsWith('Payload');
}

/** Whether a type can be fetched again by its id. */
export function isNode(type) {
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');
}

export function capitalised(name) {
  return name[0].toUpperCase() + name.slice(1);
}

export function uncapitalised(name) {
  return name[0].toLowerCase() + name.slice(1);
}
