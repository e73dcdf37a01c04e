// Does each control of the chaos still patch the product? They are played rarely, and a control whose line has changed
// would be found out only then.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONTROLS } from '../chaos/controls/controls.js';
import { patched } from '../chaos/controls/patched-product.js';

const DIST = resolve(import.meta.dirname, '../../dist');
const patches = CONTROLS.flatMap(({ name, patches: those }) => those.map((patch) => ({ name, patch })));

describe('a control of the chaos', () => {
  it.each(patches)('$name finds its line in $patch.file', ({ patch }) => {
    const text = readFileSync(join(DIST, patch.file), 'utf8');
    expect(patched(text, patch)).not.toBe(text);
  });

  it('is refused when its line is not there', () => {
    expect(() => patched('a line', { file: 'a.js', from: 'another', to: '' })).toThrow('got it 0 times');
  });
});
