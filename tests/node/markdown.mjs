// The fenced blocks of a Markdown page, with what stands behind the language: docs/how-to-write-examples.md.

/** `[{ language, file, options: { as, becomes, … }, text, line, page }]`, in the page's order. */
export function blocks(page, markdown) {
  const found = [];
  let open;
  markdown.split('\n').forEach((line, index) => {
    const fence = /^( *)(`{3,})(.*)$/.exec(line);
    if (open === undefined && fence) {
      const [language = '', ...words] = fence[3].trim().split(/\s+/);
      const options = Object.fromEntries(words.filter((word) => word.includes('=')).map((word) => word.split(/=(.*)/)));
      const flags = words.filter((word) => !word.includes('='));
      open = { language, options, flags, page, line: index + 1, indent: fence[1].length, fence: fence[2], lines: [] };
    } else if (open && fence && fence[2] === open.fence && fence[3].trim() === '') {
      const { lines, indent, fence: _, ...block } = open;
      // A block in a list is indented as the list is.
      found.push({ ...block, text: lines.map((line) => line.slice(Math.min(indent, line.search(/\S|$/)))).join('\n'), end: index + 1 });
      open = undefined;
    } else {
      open?.lines.push(line);
    }
  });
  if (open) throw new Error(`${page}:${open.line}: the block is never closed`);
  return found;
}

/** Whether a block stands right behind another one, with nothing but empty lines between. */
export function follows(markdown, block, next) {
  return next !== undefined && markdown.split('\n').slice(block.end, next.line - 1).every((line) => line.trim() === '');
}
